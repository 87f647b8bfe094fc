# SPDX-License-Identifier: Apache-2.0
"""The plan as a person reads it: counts, then names, then fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..model.options import Mode
from ..model.report import FieldChange, ObjectChange
from ..plan.changes import Plan

_SIGNS = {"create": "+", "update": "~", "delete": "-", "release": "<", "keep": "="}
#: Names shown per action before the rest is only counted.
_MOST = 12


def headline(plan: Plan, mode: Mode) -> str:
    """``12 create, 1 change, 0 delete``, or that nothing changes."""
    counts = {action: len(plan.by(action)) for action in ("create", "update", "delete", "release", "unchanged")}
    if not plan.changed:
        return f"no changes, {counts['unchanged']} objects as declared"
    released = f", {counts['release']} release" if counts["release"] else ""
    tense = " (check mode)" if mode.check else ""
    return f"{counts['create']} create, {counts['update']} change, {counts['delete']} delete{released}{tense}"


def lines(plan: Plan) -> Iterator[str]:
    """One line per object that changes, long lists cut."""
    for action in ("create", "update", "delete", "release", "keep"):
        changes = sorted(plan.by(action), key=lambda change: change.ref)
        for change in changes[:_MOST]:
            yield f"  {_SIGNS[action]} {_described(change.shown())}"
        if len(changes) > _MOST:
            yield f"  {_SIGNS[action]} and {len(changes) - _MOST} more"


def _described(change: ObjectChange) -> str:
    if change.action == "update":
        paths = ", ".join(field.path for field in change.fields[:4]) or "ownership"
        more = f" and {len(change.fields) - 4} more" if len(change.fields) > 4 else ""
        return f"{change.ref}: {paths}{more}"
    return f"{change.ref}: {change.reason}" if change.reason else str(change.ref)


def field_lines(changes: list[ObjectChange]) -> Iterator[str]:
    """Every field of every update, for ``-v``."""
    for change in changes:
        if change.action == "update":
            for field in change.fields:
                yield f"      {change.ref} {_changed(field)}"


def _changed(field: FieldChange) -> str:
    return f"{field.path}: {_short(field.before)} -> {_short(field.after)}"


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
