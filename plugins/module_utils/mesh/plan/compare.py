# SPDX-License-Identifier: Apache-2.0
"""Does applying an object change anything? Decided locally, from the live object and its managed fields.

Equal means: every wanted field is owned by our manager and has the wanted value, and we own no field that is no longer
wanted. A wrong "different" costs one dry run that finds no difference; a wrong "equal" cannot come about, because
every path is compared (FieldsV1: Kubernetes API conventions, "Server-Side Apply").
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..model.objects import Object
from . import quantity

#: Fields whose strings are quantities.
_QUANTITIES = frozenset({"requests", "limits", "sizeLimit", "averageValue", "divisor", "storage", "hard"})

#: Defaults that the API server adds inside atomic structs: name of the struct -> {key: value}.
_ATOMIC_DEFAULTS: dict[str, dict[str, Any]] = {
    "fieldRef": {"apiVersion": "v1"},
    "resourceFieldRef": {"divisor": "0"},
    "rules": {"scope": "*"},  # of webhooks; those of roles have no scope
}

_MISSING = object()

#: metadata that identifies the object and is in nobody's managed fields.
_IDENTITY = frozenset({"name", "namespace"})


def owned_fields(live: Mapping[str, Any], manager: str) -> dict[str, Any] | None:
    """FieldsV1 of what ``manager`` applied to the object, or None when it never applied."""
    for entry in live.get("metadata", {}).get("managedFields") or ():
        if entry["manager"] == manager and entry["operation"] == "Apply" and not entry.get("subresource"):
            fields: dict[str, Any] = entry.get("fieldsV1") or {}
            return fields
    return None


def equal(wanted: Object, live: Object, manager: str) -> bool:
    """Whether applying ``wanted`` as ``manager`` would leave ``live`` as it is."""
    fields = owned_fields(live, manager)
    body = {key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")}
    body["metadata"] = {key: value for key, value in wanted["metadata"].items() if key not in _IDENTITY}
    if not body["metadata"] and "f:metadata" not in (fields or {}):
        del body["metadata"]
    if fields is None:
        return not body  # an apply of nothing but the identity owns nothing, and leaves no entry
    return _map_equal(fields, body, live, "")


def _map_equal(fields: Mapping[str, Any], wanted: Mapping[str, Any], live: Any, name: str) -> bool:
    if not isinstance(live, dict):
        return False
    owned = {key[2:] for key in fields if key.startswith("f:")}
    if not owned:
        return _atomic_equal(wanted, live, name)
    if owned != set(wanted):
        return False
    return all(
        _equal(fields[f"f:{key}"], value, live.get(key, _omitted(value)), name if name in _QUANTITIES else key)
        for key, value in wanted.items()
    )


def _omitted(wanted: Any) -> Any:
    """What a missing field stands for: the API server leaves out empty values (and never equal to anything else)."""
    return wanted if wanted in ("", [], {}) else _MISSING


def _equal(fields: Mapping[str, Any], wanted: Any, live: Any, name: str) -> bool:
    if isinstance(wanted, dict):
        return _map_equal(fields, wanted, live, name)
    if isinstance(wanted, list) and isinstance(live, list):
        return _list_equal(fields, wanted, live, name)
    return _atomic_equal(wanted, live, name)


def _list_equal(fields: Mapping[str, Any], wanted: list[Any], live: list[Any], name: str) -> bool:
    keyed = {key: value for key, value in fields.items() if key.startswith("k:")}
    if keyed:
        return _associative_equal(keyed, wanted, live)
    values = [json.loads(key[2:]) for key in fields if key.startswith("v:")]
    if values:
        return len(values) == len(wanted) and all(value in live and value in wanted for value in values)
    return _atomic_equal(wanted, live, name)


def _associative_equal(keyed: Mapping[str, Any], wanted: list[Any], live: list[Any]) -> bool:
    if len(keyed) != len(wanted):
        return False
    places = []
    for text, fields in keyed.items():
        key = json.loads(text[2:])
        ours, theirs = _keyed(wanted, key), _keyed(live, key)
        if ours is None or theirs is None:
            return False
        # A key that the server defaulted (protocol: TCP) is owned without being wanted.
        defaulted = {name: value for name, value in key.items() if name not in ours}
        if not _map_equal(fields, {**ours, **defaulted}, theirs, ""):
            return False
        places.append((wanted.index(ours), live.index(theirs)))
    # Order among keyed items means something: of init containers, of variables that refer to others.
    in_live = [there for _ours, there in sorted(places)]
    return in_live == sorted(in_live)


def _keyed(items: Sequence[Any], key: Mapping[str, Any]) -> Any:
    """The only item with that key, where a missing field of the item counts as equal; None when there is no such."""
    found = [item for item in items if all(item.get(name, value) == value for name, value in key.items())]
    return found[0] if len(found) == 1 else None


def _atomic_equal(wanted: Any, live: Any, name: str) -> bool:
    if isinstance(wanted, dict) and isinstance(live, dict):
        defaults = _ATOMIC_DEFAULTS.get(name, {})
        expected = {**{key: value for key, value in defaults.items() if key in live}, **wanted}
        return expected.keys() == live.keys() and all(
            _atomic_equal(value, live[key], name if name in _QUANTITIES else key) for key, value in expected.items()
        )
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(_atomic_equal(a, b, name) for a, b in zip(wanted, live, strict=True))
    if wanted == live:
        return isinstance(wanted, bool) is isinstance(live, bool)  # to Python, true equals 1
    return name in _QUANTITIES and quantity.equal(wanted, live)
