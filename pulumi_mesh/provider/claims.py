# SPDX-License-Identifier: Apache-2.0
"""Whose a thing is: the mark of the resource that brought it about last.

Where a resource is renamed, or moved to another provider, the engine creates a new one, which finds everything as
declared, and then deletes the old one: the same thing. By then the mark has changed hands, in whatever process.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from .._core.kube.cluster import Cluster
from .._core.kube.failures import ApiFailure
from .._core.model.objects import PREFIX, Object, Ref, annotations_of, ref
from .._core.model.operation import Declarative
from .._core.model.sets import parent_name

ANNOTATION = PREFIX + "claim"


def new() -> str:
    """A mark that no other resource has."""
    return secrets.token_hex(8)


def anchors(cluster: Cluster, operation: Declarative[Any, Any], spec: Any) -> list[Ref]:
    """The objects that bear the mark: the inventory of the operation's own set, or, where it keeps none, the objects of
    others that it has fields on."""
    own = operation.removal(spec, operation.observe(cluster, spec)).sets[0]
    if own.recorded:
        return [Ref("", "ConfigMap", own.namespace, parent_name(own.id))]
    return [ref(obj) for obj in own.fields]


def take(cluster: Cluster, places: list[Ref], claim: str) -> None:
    """Mark what is there. Raises MeshError."""
    for place, _obj in _there(cluster, places):
        _mark(cluster, place, claim)


def held_by_another(cluster: Cluster, places: list[Ref], claim: str) -> bool:
    """Whether somebody else's mark is on it; where either has none, nothing is known of another."""
    marks = {annotations_of(obj).get(ANNOTATION, "") for _place, obj in _there(cluster, places)}
    return bool(claim and marks - {"", claim})


def give_back(cluster: Cluster, places: list[Ref], claim: str) -> None:
    """Take the mark off what stays. Raises MeshError."""
    for place, obj in _there(cluster, places):
        if claim and annotations_of(obj).get(ANNOTATION) == claim:
            _mark(cluster, place, None)


def _there(cluster: Cluster, places: list[Ref]) -> Iterator[tuple[Ref, Object]]:
    for place in places:
        found = cluster.get("v1", place.kind, place.namespace, place.name)
        if found is not None:
            yield place, found


def _mark(cluster: Cluster, place: Ref, claim: str | None) -> None:
    try:
        cluster.merge_patch(place, {"metadata": {"annotations": {ANNOTATION: claim}}})
    except ApiFailure as error:
        if error.status != 404:  # it has gone meanwhile
            raise
