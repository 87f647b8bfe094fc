# SPDX-License-Identifier: Apache-2.0
"""Results that are not as documented are seen."""

from __future__ import annotations

import pytest

from tests.examples.returned import complaints

DOCUMENTED = {
    "changed": {"type": "bool", "returned": "always"},
    "count": {"type": "int", "returned": "success"},
    "names": {"type": "list", "elements": "str", "returned": "success"},
    "objects": {
        "type": "list",
        "elements": "dict",
        "returned": "success",
        "contains": {"name": {"type": "str"}, "reason": {"type": "str", "returned": "when there is one"}},
    },
    "error": {"type": "dict", "returned": "failure"},
}
RIGHT = {"changed": False, "count": 1, "names": ["a"], "objects": [{"name": "x"}]}


@pytest.mark.parametrize(
    ("result", "found"),
    [
        (RIGHT, []),
        ({**RIGHT, "invocation": {}, "warnings": [], "diff": []}, []),
        ({**RIGHT, "objects": [{"name": "x", "reason": "y"}]}, []),
        ({**RIGHT, "more": 1}, ["more is not documented"]),
        ({key: RIGHT[key] for key in ("changed", "names", "objects")}, ["count is missing"]),
        ({**RIGHT, "count": "1"}, ["count is str, not int"]),
        ({**RIGHT, "count": True}, ["count is bool, not int"]),
        ({**RIGHT, "names": ["a", 2]}, ["names[1] is int, not str"]),
        ({**RIGHT, "objects": [{}]}, ["objects[0].name is missing"]),
        ({**RIGHT, "objects": [{"name": 1}]}, ["objects[0].name is int, not str"]),
        ({**RIGHT, "objects": [{"name": "x", "kind": "y"}]}, ["objects[0].kind is not documented"]),
        ({"failed": True, "changed": False, "msg": "no", "error": {}}, []),
        ({"failed": True, "changed": False, "msg": "no"}, ["error is missing"]),
    ],
)
def test_complaints(result, found):
    assert complaints(result, DOCUMENTED) == found


@pytest.mark.parametrize(("state", "found"), [("present", ["address is missing"]), ("absent", [])])
def test_what_is_returned_with_one_state(state, found):
    documented = {**DOCUMENTED, "address": {"type": "str", "returned": "success, with O(state=present)"}}
    assert complaints(RIGHT, documented, state) == found
