# SPDX-License-Identifier: Apache-2.0
"""The declaration that a live object tells of: the fields that one manager applied, as FieldsV1 lists them (Kubernetes
API reference, "Server-Side Apply")."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..model.objects import PREFIX, Object
from .changes import MANAGED_BY
from .compare import owned_fields
from .owners import PART_OF

_IDENTITY = ("name", "namespace")
_OF_SETS = (PART_OF, MANAGED_BY)


def extracted(live: Object, manager: str) -> Object:
    """What ``manager`` would have to apply to leave the object as it is, without the marks of sets."""
    taken = owned_part(live, manager)
    metadata = taken["metadata"]
    marks = {key: _unmarked(metadata[key]) for key in ("labels", "annotations") if key in metadata}
    kept = {key: value for key, value in metadata.items() if key not in marks}
    return {**taken, "metadata": {**kept, **{key: value for key, value in marks.items() if value}}}


def owned_part(live: Object, manager: str) -> Object:
    """The same with the marks."""
    fields = owned_fields(live, manager) or {}
    if live["kind"] == "Secret" and "f:stringData" in fields:  # which the API server puts into data
        fields = {**fields, "f:data": {**fields.get("f:data", {}), **fields["f:stringData"]}}
    taken = _of_map(fields, live)
    identity = {key: live["metadata"][key] for key in _IDENTITY if live["metadata"].get(key)}
    metadata = {**identity, **taken.pop("metadata", {})}
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata, **taken}


def _unmarked(marks: Mapping[str, str]) -> dict[str, str]:
    """Without what a set adds to its members."""
    return {key: value for key, value in marks.items() if key not in _OF_SETS and not key.startswith(PREFIX)}


def _of(fields: Mapping[str, Any], live: Any) -> Any:
    inner = [key for key in fields if key != "."]
    if isinstance(live, Mapping) and any(key.startswith("f:") for key in inner):
        return _of_map(fields, live)
    if isinstance(live, list) and inner:
        return list(_of_list(fields, live))
    return live if not inner and fields != {".": {}} else type(live)()


def _of_map(fields: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    named = {key.removeprefix("f:"): below for key, below in fields.items() if key.startswith("f:")}
    return {key: _of(named[key], value) for key, value in live.items() if key in named}


def _of_list(fields: Mapping[str, Any], live: Iterable[Any]) -> Iterator[Any]:
    """Items by their keys (``k:``) or as values of a set (``v:``), in the order of the object."""
    keyed = [(json.loads(key[2:]), below) for key, below in fields.items() if key.startswith("k:")]
    values = [json.loads(key[2:]) for key in fields if key.startswith("v:")]
    for item in live:
        if isinstance(item, Mapping):
            yield from (_of(below, item) for key, below in keyed if _has(item, key))
        elif item in values:
            yield item


def _has(item: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    return all(item.get(name) == value for name, value in key.items())
