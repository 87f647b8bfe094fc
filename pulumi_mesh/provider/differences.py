# SPDX-License-Identifier: Apache-2.0
"""Where two sets of properties differ, as the engine writes paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .properties import plain, secret_places

Kind = Literal["add", "delete", "update"]
Paths = Iterator[tuple[str, Kind]]


@dataclass(frozen=True)
class Difference:
    """What a diff found: property paths with their kind, and the properties that need another resource."""

    paths: Mapping[str, Kind]
    inputs: frozenset[str] = frozenset()
    """The paths that are to be looked up among inputs."""
    replaces: tuple[str, ...] = ()
    delete_first: bool = False

    @property
    def some(self) -> bool:
        """Whether there is any."""
        return bool(self.paths)


def _kind(before: Any, after: Any) -> Kind:
    return "add" if before is None else "delete" if after is None else "update"


def compared(before: Any, after: Any, path: str = "") -> Paths:
    """Property paths at which two maps differ, as deep as both are maps."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        place = _inside(path, key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from compared(old, new, place)
        elif plain(old) != plain(new):
            yield place, _kind(old, new)


def _inside(path: str, key: str) -> str:
    if not key.replace("_", "a").isalnum():
        return f"{path}{quoted(key)}"
    return f"{path}.{key}" if path else key


def quoted(key: str) -> str:
    """As the engine reads property paths, which know no escape but that of a quotation mark."""
    mark = chr(34)
    return f"[{mark}{key.replace(mark, chr(92) + mark)}{mark}]"


def marked(before: Any, after: Any) -> Paths:
    """Properties of which other parts are secret now than were: the state must follow."""
    for key in sorted({*before} & {*after}):
        if {*secret_places(before[key])} != {*secret_places(after[key])}:
            yield key, "update"
