# SPDX-License-Identifier: Apache-2.0
"""What `--diff` shows of a report."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .mesh.model.report import APPLIED, Report

#: Characters of one side of one object's diff; a new CRD alone has ten thousand lines.
_LONGEST = 8000


def differences(report: Report) -> Iterator[dict[str, str]]:
    """Both sides of every object that is applied or deleted."""
    for change in report.objects:
        if change.action not in (*APPLIED, "delete"):
            continue
        sides = {field.path: _differing(field.before, field.after) for field in change.fields}
        yield {
            "before_header": f"{change.ref}",
            "after_header": f"{change.ref} ({change.action})",
            "before": _text({path: before for path, (before, _after) in sides.items() if before is not None}),
            "after": _text({path: after for path, (_before, after) in sides.items() if after is not None}),
        }


#: Lines beyond which texts are not compared line by line, which takes the square of their number.
_MOST_LINES = 4000


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Of long texts the lines that differ, with some around them."""
    if not (isinstance(before, str) and isinstance(after, str)):
        return before, after
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) not in range(2, _MOST_LINES):
        return before, after
    sides: tuple[list[str], list[str]] = ([], [])
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes():
        first, last = group[0], group[-1]  # (tag, old from, old to, new from, new to)
        for side, lines in zip(sides, (old[first[1] : last[2]], new[first[3] : last[4]]), strict=True):
            side += [*(["..."] if first[1] else []), *lines]
    return tuple("\n".join([*side, ""]) for side in sides)


def _text(values: Mapping[str, Any]) -> str:
    text = "".join(f"{path}: {_value(value)}\n" for path, value in values.items())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n... {len(text) - _LONGEST} more characters\n"


def _value(value: Any) -> str:
    """Texts of several lines line by line, so that a diff shows those that differ."""
    if isinstance(value, str) and "\n" in value:
        return "|\n" + "\n".join(f"  {line}" for line in value.splitlines())
    return json.dumps(value, indent=2, sort_keys=True)
