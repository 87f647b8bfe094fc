# SPDX-License-Identifier: Apache-2.0
"""Whose a thing is: the mark of the resource that brought it about last.

Where a resource is renamed, or moved to another provider, the engine creates a new one, which finds everything as
declared, and then deletes the old one: the same thing. By then the mark has changed hands, in whatever process.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from .._core.kube.cluster import Cluster
from .._core.kube.failures import ApiFailure
from .._core.model.objects import PREFIX, Object, ObjectSet, Ref, annotations_of, ref
from .._core.model.operation import Declarative
from .._core.model.sets import parent_name

ANNOTATION = PREFIX + "claim"


def new() -> str:
    """A mark that no other resource has."""
    return secrets.token_hex(8)


def own_set(cluster: Cluster, operation: Declarative[Any, Any], spec: Any) -> ObjectSet:
    """The set that is the operation's own, and nobody else's part."""
    return operation.removal(spec, operation.observe(cluster, spec)).sets[0]


def anchors(item: ObjectSet) -> list[Ref]:
    """The objects that bear the mark: the set's inventory, or, where it keeps none, each object of others that it has
    fields on."""
    if item.recorded:
        return [Ref("", "ConfigMap", item.namespace, parent_name(item.id))]
    return [ref(obj) for obj in item.fields]


def mark_of(cluster: Cluster, places: Iterable[Ref]) -> str:
    """The mark that is there; empty where there is none."""
    return next((_mark(obj) for _place, obj in _there(cluster, places) if _mark(obj)), "")


def any_there(cluster: Cluster, places: Iterable[Ref]) -> bool:
    """Whether any of them exists, with a mark or without."""
    return any(True for _ in _there(cluster, places))


def held_by_others(cluster: Cluster, places: Iterable[Ref], claim: str) -> set[Ref]:
    """Those that bear somebody else's mark."""
    return {place for place, obj in _there(cluster, places) if _mark(obj) not in ("", claim)}


def take(cluster: Cluster, places: Iterable[Ref], claim: str) -> set[Ref]:
    """Put the mark on what is there; tells what bore somebody else's. Raises MeshError."""
    held = set()
    for place, obj in _there(cluster, places):
        if _mark(obj) != claim:
            _write(cluster, place, claim)
        if _mark(obj) not in ("", claim):
            held.add(place)
    return held


def give_back(cluster: Cluster, places: Iterable[Ref], claim: str) -> None:
    """Take the mark off what stays. Raises MeshError."""
    for place, obj in _there(cluster, places):
        if claim and _mark(obj) == claim:
            _write(cluster, place, None)


def _mark(obj: Object) -> str:
    return str(annotations_of(obj).get(ANNOTATION, ""))


def _there(cluster: Cluster, places: Iterable[Ref]) -> Iterator[tuple[Ref, Object]]:
    for place in places:
        found = cluster.get("v1", place.kind, place.namespace, place.name)
        if found is not None:
            yield place, found


def _write(cluster: Cluster, place: Ref, claim: str | None) -> None:
    try:
        cluster.merge_patch(place, {"metadata": {"annotations": {ANNOTATION: claim}}})
    except ApiFailure as error:
        if error.status != 404:  # it has gone meanwhile
            raise
