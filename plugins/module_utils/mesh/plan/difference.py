# SPDX-License-Identifier: Apache-2.0
"""Which fields differ between two states of an object, with secrets kept out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..model.objects import Object, annotations_of
from ..model.report import FieldChange
from ..model.secrets import REDACTED, SECRET_FIELDS

#: Metadata that the API server keeps by itself.
_SERVER_KEPT = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)
#: Where kubectl keeps a copy of the whole object.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MISSING = object()


def comparable(obj: Mapping[str, Any] | None) -> Object:
    """An object without what the API server keeps, without status, and without what repeats all of a Secret."""
    if obj is None:
        return {}
    shown = {key: value for key, value in obj.items() if key != "status"}
    shown["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in _SERVER_KEPT}
    if obj.get("kind") == "Secret" and _LAST_APPLIED in annotations_of(obj):
        shown["metadata"]["annotations"] = {**annotations_of(obj), _LAST_APPLIED: REDACTED}
    return shown


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[FieldChange, ...]:
    """The fields that differ, as paths with both values; Secret values are redacted, their change is still shown."""
    secret = (after or before or {}).get("kind") == "Secret"
    changes = _differences(comparable(before), comparable(after), "")
    return tuple(_hidden(change) if secret and change.path.startswith(SECRET_FIELDS) else change for change in changes)


def _hidden(change: FieldChange) -> FieldChange:
    def hide(value: Any) -> Any:
        return None if value is None else REDACTED

    return FieldChange(change.path, hide(change.before), hide(change.after))


def _differences(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key, _MISSING), after.get(key, _MISSING), join(path, key))
    elif isinstance(before, list) and isinstance(after, list) and _named(before) and _named(after):
        old, new = ({item["name"]: item for item in items} for items in (before, after))
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _differences(old.get(name, _MISSING), new.get(name, _MISSING), f"{path}[{name}]")
        # The order of routes decides which one matches.
        if [name for name in old if name in new] != [name for name in new if name in old]:
            yield FieldChange(path, list(old), list(new))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, f"{path}[{index}]")
    elif before != after or isinstance(before, bool) is not isinstance(after, bool):  # to Python, true equals 1
        yield FieldChange(path, _shown(before), _shown(after))


def _named(items: list[Any]) -> bool:
    """Whether items can be told apart by name, as containers, ports and webhooks can."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    return all(names) and len(set(names)) == len(names)


def join(path: str, key: str) -> str:
    """The path of what stands below ``path``; a key that would not read as one is quoted."""
    plain = key.replace("_", "").replace("-", "").isalnum()
    tail = key if plain else f"[{json.dumps(key)}]"
    return f"{path}.{tail}" if path and plain else f"{path}{tail}"


def _shown(value: Any) -> Any:
    return None if value is _MISSING else value
