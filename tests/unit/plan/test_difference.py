# SPDX-License-Identifier: Apache-2.0
"""Paths of what differs, and nothing of a secret."""

from __future__ import annotations

from mesh.plan.difference import differences


def obj(kind="X", **body):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "resourceVersion": "1"}, **body}


def paths(before, after):
    return [change.path for change in differences(before, after)]


def test_paths():
    before = obj(spec={"a": 1, "gone": 1, "list": [1, 2], "containers": [{"name": "app", "image": "a"}]})
    after = obj(spec={"a": 2, "list": [1, 3], "containers": [{"name": "app", "image": "b"}, {"name": "new"}]})
    assert paths(before, after) == [
        "spec.a",
        "spec.containers[app].image",
        "spec.containers[new]",
        "spec.gone",
        "spec.list[1]",
    ]


def test_what_the_server_keeps_is_no_difference():
    before = obj(status={"a": 1})
    after = {**obj(status={"a": 2}), "metadata": {"name": "x", "resourceVersion": "2", "generation": 3}}
    assert paths(before, after) == []


def test_keys_that_are_no_names_are_quoted():
    assert paths(obj(data={"a.b": "1"}), obj(data={"a.b": "2"})) == ['data["a.b"]']


def test_secrets_change_without_showing():
    before, after = obj("Secret", data={"k": "T0xE"}), obj("Secret", data={"k": "TkVX", "n": "TkVX"})
    changes = differences(before, after)
    assert [change.path for change in changes] == ["data.k", "data.n"]
    assert "TkVX" not in repr(changes)
    assert "T0xE" not in repr(changes)
    assert "TkVX" not in repr(differences(None, after))
