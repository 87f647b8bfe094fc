# SPDX-License-Identifier: Apache-2.0
"""Patches of admission webhooks."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError
from mesh.render.json_patch import patched

DOCUMENT = {"a": {"b": [1, 2]}, "x/y": {"~": "tilde"}}


@pytest.mark.parametrize(
    ("operations", "result"),
    [
        ([{"op": "add", "path": "/a/c", "value": 3}], {"a": {"b": [1, 2], "c": 3}, "x/y": {"~": "tilde"}}),
        ([{"op": "add", "path": "/a/b/0", "value": 0}], {"a": {"b": [0, 1, 2]}, "x/y": {"~": "tilde"}}),
        ([{"op": "add", "path": "/a/b/-", "value": 3}], {"a": {"b": [1, 2, 3]}, "x/y": {"~": "tilde"}}),
        ([{"op": "replace", "path": "/a/b/1", "value": 9}], {"a": {"b": [1, 9]}, "x/y": {"~": "tilde"}}),
        ([{"op": "remove", "path": "/a/b/0"}], {"a": {"b": [2]}, "x/y": {"~": "tilde"}}),
        ([{"op": "replace", "path": "/x~1y/~0", "value": "t"}], {"a": {"b": [1, 2]}, "x/y": {"~": "t"}}),
        ([{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/x~1y"}], {}),
        ([{"op": "replace", "path": "", "value": []}], []),
    ],
)
def test_operations_in_order(operations, result):
    assert patched(DOCUMENT, operations) == result
    assert DOCUMENT == {"a": {"b": [1, 2]}, "x/y": {"~": "tilde"}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/a/nothing", "value": 1},
        {"op": "replace", "path": "/a/b/2", "value": 1},
        {"op": "add", "path": "/a/b/3", "value": 1},
        {"op": "remove", "path": "/a/b/-1"},
        {"op": "add", "path": "a", "value": 1},
        {"op": "move", "path": "/a", "from": "/x"},
        {"path": "/a"},
    ],
)
def test_what_does_not_fit_is_named(operation):
    with pytest.raises(MeshError, match="the patch does not fit"):
        patched(DOCUMENT, [operation])
