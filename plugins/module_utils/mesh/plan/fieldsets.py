# SPDX-License-Identifier: Apache-2.0
"""FieldsV1, the form in which managed fields are kept, as sets of paths (structured-merge-diff, "fieldpath")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

#: Steps as FieldsV1 writes them: ``f:<field>``, ``k:<key of an item>``, ``v:<value of a set>``, ``i:<index>``.
Path = tuple[str, ...]


def paths(fields: Mapping[str, Any], at: Path = ()) -> frozenset[Path]:
    """The paths that a FieldsV1 names; a dot among the children says that the parent itself is meant too."""
    found: set[Path] = set()
    for step, below in fields.items():
        if step == ".":
            continue
        here = (*at, step)
        if not below or "." in below:
            found.add(here)
        found |= paths(below, here)
    return frozenset(found)


def fields_v1(found: Iterable[Path]) -> dict[str, Any]:
    """The FieldsV1 that names exactly these paths."""
    root: dict[str, Any] = {}
    for path in sorted(found, reverse=True):  # children first: a parent that has some is marked by a dot
        node = root
        for step in path:
            node = node.setdefault(step, {})
        if node:
            node["."] = {}
    return root


def below(path: Path, others: Iterable[Path]) -> bool:
    """Whether one of ``others`` is this path, or inside it."""
    return any(other[: len(path)] == path for other in others)


def without(obj: Any, path: Path) -> Any:
    """A copy without what is at ``path``; a map that becomes empty by it goes too."""
    if not path:
        return None
    step, rest = path[0], path[1:]
    if isinstance(obj, Mapping) and step.startswith("f:"):
        name = step[2:]
        if name not in obj:
            return obj
        left = without(obj[name], rest)
        kept = {key: value for key, value in obj.items() if key != name}
        return kept if left is None or (left == {} and obj[name]) else {**obj, name: left}
    if isinstance(obj, list):
        index = _index(obj, step)
        if index is None:
            return obj
        left = without(obj[index], rest)
        return [*obj[:index], *([] if left is None else [left]), *obj[index + 1 :]]
    return obj


def _index(items: list[Any], step: str) -> int | None:
    """Where in a list a step leads; a key that the object leaves out counts as equal (the API server defaults it)."""
    wanted = json.loads(step[2:])
    if step.startswith("i:"):
        return int(wanted) if wanted < len(items) else None
    for index, item in enumerate(items):
        if step.startswith("v:") and item == wanted:
            return index
        if step.startswith("k:") and all(item.get(key, value) == value for key, value in wanted.items()):
            return index
    return None
