# SPDX-License-Identifier: Apache-2.0
"""Paths of what differs, and nothing of a secret."""

from __future__ import annotations

import pytest
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


LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def secret(value, field="data", copy=""):
    marks = {"annotations": {LAST_APPLIED: copy, "note": "shown"}} if copy else {}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", **marks}, field: {"k": value}}


@pytest.mark.parametrize("field", ["data", "stringData"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda field: None, lambda field: secret("T0xE", field)),
        (lambda field: secret("T0xE", field), lambda field: None),
        (lambda field: secret("T0xE", field), lambda field: secret("TkVXTkVX", field)),
        (lambda field: obj("Secret"), lambda field: secret("T0xE", field)),
        (lambda field: secret("T0xE", field), lambda field: obj("Secret", **{field: {"k": "T0xE", "n": "TkVX"}})),
        (lambda field: obj("Secret"), lambda field: secret("T0xE", field, copy="T0xE")),
        (lambda field: secret("T0xE", field, copy="T0xE"), lambda field: obj("Secret")),
        (lambda field: None, lambda field: secret("T0xE", field, copy="T0xE")),
    ],
)
def test_no_way_of_changing_a_secret_shows_it(field, before, after):
    changes = differences(before(field), after(field))
    assert changes
    assert "T0xE" not in repr(changes)
    assert "TkVX" not in repr(changes)


def test_nothing_that_depends_on_a_secret_value_is_told():
    short, long = (differences(secret("a"), secret(value)) for value in ("b", "b" * 64))
    assert short == long
    assert repr(short) == repr(long)


def test_what_is_not_secret_about_a_secret_is_shown():
    (change,) = differences(obj("Secret", type="Opaque"), obj("Secret", type="kubernetes.io/tls"))
    assert (change.path, change.before, change.after) == ("type", "Opaque", "kubernetes.io/tls")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": [1]}, {"a": [1, 2]}, ["spec.a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, ["spec.a[0].b"]),
        ({"a": [{"name": "x"}, {"name": "x"}]}, {"a": [{"name": "x"}, {"name": "y"}]}, ["spec.a[1].name"]),
        ({"a": 1}, {"a": {"b": 1}}, ["spec.a"]),
        ({"a-b_c": 1, "a/b": 1}, {"a-b_c": 2, "a/b": 2}, ["spec.a-b_c", 'spec["a/b"]']),
    ],
)
def test_paths_of_lists_and_maps(before, after, expected):
    assert paths(obj(spec=before), obj(spec=after)) == expected
