# SPDX-License-Identifier: Apache-2.0
"""The plan as a person reads it: counts, then names, then fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ..model.objects import ref
from ..model.operation import Restart
from ..model.options import Mode
from ..model.report import Action, FieldChange, ObjectChange
from ..plan.changes import Plan

T = TypeVar("T")

#: action -> (sign, word in the headline, whether the headline has it even when there is none), in order of telling.
_ACTIONS: dict[Action, tuple[str, str, bool]] = {
    "adopt": (">", "adopt", False),
    "create": ("+", "create", True),
    "update": ("~", "change", True),
    "recreate": ("!", "recreate", False),
    "delete": ("-", "delete", True),
    "release": ("<", "release", False),
}
_KEEP, _RESTART = "=", "*"
_MARKS = ("metadata.labels", "metadata.annotations")
#: Names shown per action before the rest is only counted.
_MOST = 12


def headline(plan: Plan, mode: Mode) -> str:
    """``12 create, 1 change, 0 delete``, or that nothing changes."""
    if not plan.changed:
        count = len(plan.by("unchanged"))
        return f"no changes, {count} object{'' if count == 1 else 's'} as declared"
    counts = {action: len(plan.by(action)) for action in _ACTIONS}
    told = [f"{counts[action]} {word}" for action, (_s, word, always) in _ACTIONS.items() if always or counts[action]]
    return ", ".join(told) + (" (check mode)" if mode.check else "")


def lines(plan: Plan) -> Iterator[str]:
    """One line per object that changes, long lists cut."""
    signs: dict[Action, str] = {action: sign for action, (sign, _word, _always) in _ACTIONS.items()}
    for action, sign in {**signs, "keep": _KEEP}.items():
        changes = sorted(plan.by(action), key=lambda change: change.ref)
        yield from named(sign, changes, lambda change: _described(change.shown()))


def named(sign: str, items: Sequence[T], name_of: Callable[[T], str] = str) -> Iterator[str]:
    """A line for each of the first items; the rest is only counted."""
    for item in items[:_MOST]:
        yield f"  {sign} {name_of(item)}"
    if len(items) > _MOST:
        yield f"  {sign} and {len(items) - _MOST} more"


def restart_lines(due: Sequence[Restart], mode: Mode) -> Iterator[str]:
    """How many workloads are restarted, and a line for each."""
    yield f"{len(due)} restart" + (" (check mode)" if mode.check else "")
    for item in due[:_MOST]:
        yield f"  {_RESTART} {ref(item.workload)}: {item.reason}"
    if len(due) > _MOST:
        yield f"  {_RESTART} and {len(due) - _MOST} more"


def _described(change: ObjectChange) -> str:
    if change.action == "update":
        return f"{change.ref}: {_paths(change.fields) or 'ownership'}"
    if change.action == "adopt":
        # Every adopted object gets our labels; what counts is whether anything else would change.
        paths = _paths([field for field in change.fields if not field.path.startswith(_MARKS)])
        return f"{change.ref}: {change.reason}{'; ' if paths else ''}{paths}"
    return f"{change.ref}: {change.reason}" if change.reason else str(change.ref)


def _paths(fields: Sequence[FieldChange]) -> str:
    more = f" and {len(fields) - 4} more" if len(fields) > 4 else ""
    return ", ".join(field.path for field in fields[:4]) + more


def field_lines(changes: list[ObjectChange]) -> Iterator[str]:
    """Every field of every update and adoption, for ``-v``."""
    for change in changes:
        if change.action in ("adopt", "update"):
            for field in change.fields:
                yield f"      {change.ref} {_changed(field)}"


def _changed(field: FieldChange) -> str:
    return f"{field.path}: {_short(field.before)} -> {_short(field.after)}"


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
