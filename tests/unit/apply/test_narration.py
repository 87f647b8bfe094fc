# SPDX-License-Identifier: Apache-2.0
"""The plan in words: counts, names, fields."""

from __future__ import annotations

import pytest
from mesh.apply.narration import field_lines, headline, lines
from mesh.model.objects import ObjectSet, Ref
from mesh.model.options import Mode
from mesh.model.report import FieldChange
from mesh.plan.changes import Change, Plan

SET = ObjectSet("s", "ns", "me")


def change(action, name="x", fields=(), reason="", namespace="ns"):
    changes = tuple(FieldChange(path, before, after) for path, before, after in fields)
    return Change(Ref("", "ConfigMap", namespace, name), action, SET, fields=changes, reason=reason)


@pytest.mark.parametrize(
    ("actions", "check", "expected"),
    [
        ([], False, "no changes, 0 objects as declared"),
        (["unchanged", "unchanged", "keep"], True, "no changes, 2 objects as declared"),
        (["create", "create", "update", "delete"], False, "2 create, 1 change, 1 delete"),
        (["create", "unchanged"], True, "1 create, 0 change, 0 delete (check mode)"),
        (["release", "delete"], False, "0 create, 0 change, 1 delete, 1 release"),
    ],
)
def test_headline(actions, check, expected):
    assert headline(Plan([change(action) for action in actions]), Mode(check=check)) == expected


FIELDS = [(name, 1, 2) for name in "abcdef"]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (change("create"), "  + ConfigMap ns/x"),
        (change("create", namespace=""), "  + ConfigMap x"),
        (change("update", fields=FIELDS[:2]), "  ~ ConfigMap ns/x: a, b"),
        (change("update", fields=FIELDS[:4]), "  ~ ConfigMap ns/x: a, b, c, d"),
        (change("update", fields=FIELDS), "  ~ ConfigMap ns/x: a, b, c, d and 2 more"),
        (change("update"), "  ~ ConfigMap ns/x: ownership"),
        (change("delete", reason="no longer wanted"), "  - ConfigMap ns/x: no longer wanted"),
        (change("release"), "  < ConfigMap ns/x"),
        (change("keep", reason="it holds 1 Pod"), "  = ConfigMap ns/x: it holds 1 Pod"),
    ],
)
def test_a_line_for_each(item, expected):
    assert list(lines(Plan([item, change("unchanged", "y")]))) == [expected]


@pytest.mark.parametrize(("count", "told", "last"), [(12, 12, "  + ConfigMap ns/11"), (13, 13, "  + and 1 more")])
def test_long_lists_are_cut(count, told, last):
    plan = Plan([change("create", f"{number:02}") for number in reversed(range(count))])
    found = list(lines(plan))
    assert (len(found), found[0], found[-1]) == (told, "  + ConfigMap ns/00", last)


def test_actions_are_told_in_order():
    plan = Plan([change(action) for action in ("keep", "delete", "release", "update", "create")])
    assert "".join(line[2] for line in lines(plan)) == "+~-<="


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (("spec.replicas", 1, 2), "spec.replicas: 1 -> 2"),
        (("data.k", None, "v"), 'data.k: null -> "v"'),
        (("a", {"b": 1, "a": 2}, []), 'a: {"a": 2, "b": 1} -> []'),
        (("a", "", "x" * 200), 'a: "" -> "' + "x" * 76 + "..."),
    ],
)
def test_fields(field, expected):
    shown = [change("update", fields=[field]).shown(), change("create", fields=[field]).shown()]
    assert list(field_lines(shown)) == [f"      ConfigMap ns/x {expected}"]
