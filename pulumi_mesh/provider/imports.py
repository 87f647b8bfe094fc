# SPDX-License-Identifier: Apache-2.0
"""What is there of a set that another program made: all that an import can know."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.apply.inventory import VERSION
from .._core.apply.live import observe
from .._core.kube.cluster import Cluster
from .._core.model.objects import Object, ObjectSet, annotations_of, ref
from .._core.plan.changes import is_member
from .._core.plan.compare import owned_fields


@dataclass(frozen=True)
class Existing:
    """The version that was installed (or nothing), and the objects that the set wanted."""

    version: str
    members: list[Object]


def existing(cluster: Cluster, own: ObjectSet) -> Existing | None:
    """None where the set has no inventory, though it keeps one. Raises MeshError."""
    live = observe(cluster, [own])
    inventory = live.parents[own.id].live
    if own.recorded and inventory is None:
        return None
    others = live.fields.get(own.id, frozenset()) if own.recorded else {ref(obj) for obj in own.fields}
    members = [obj for key, obj in live.objects.items() if key in others or _declared(obj, own)]
    return Existing(annotations_of(inventory).get(VERSION, "") if inventory else "", members)


def _declared(obj: Object, own: ObjectSet) -> bool:
    """Whether it is there because the set wants it, and not only labelled so, or on its way out."""
    going = "deletionTimestamp" in obj["metadata"]
    return is_member(obj, own) and owned_fields(obj, own.manager) is not None and not going
