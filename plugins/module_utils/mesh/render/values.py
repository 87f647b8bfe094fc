# SPDX-License-Identifier: Apache-2.0
"""Helm values: maps merge, lists and scalars replace, later layers win."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Values = dict[str, Any]


def merged(*layers: Mapping[str, Any]) -> Values:
    """One map of all layers; the layers are left as they are."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            both_maps = isinstance(value, Mapping) and isinstance(below, Mapping)
            result[key] = merged(below, value) if both_maps else value  # type: ignore[arg-type]
    return result


def nested(path: str, value: Any) -> Values:
    """``{a: {b: value}}`` for ``a.b``; nothing for a value that is not set (None, or an empty list or map)."""
    if value in (None, [], {}):
        return {}
    for part in reversed(path.split(".")):
        value = {part: value}
    result: Values = value
    return result


def overridden(typed: Mapping[str, Any], values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Paths that typed fields set and ``values`` sets to something else."""
    for key in typed.keys() & values.keys():
        here = f"{path}.{key}" if path else key
        if isinstance(typed[key], Mapping) and isinstance(values[key], Mapping):
            yield from overridden(typed[key], values[key], here)
        elif typed[key] != values[key]:
            yield here
