# SPDX-License-Identifier: Apache-2.0
"""What is there of some sets: one LIST per kind and namespace, and a GET for what the lists do not show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..kube.cluster import Cluster
from ..kube.discovery import Resource
from ..model.objects import Object, ObjectSet, Ref, ref
from ..model.sets import applyset_id
from ..plan.owners import PART_OF
from .inventory import Hints, Parent, hints_of, read


@dataclass(frozen=True)
class Live:
    """Live objects of interest by identity, and the recorded inventory of each set."""

    objects: dict[Ref, Object] = field(default_factory=dict)
    parents: dict[str, Parent] = field(default_factory=dict)


def observe(cluster: Cluster, sets: Sequence[ObjectSet], also: Iterable[Ref] = ()) -> Live:
    """Everything the planner needs to know about ``sets``, and the objects ``also``."""
    parents = {parent.set.id: parent for parent in cluster.pool.map(lambda item: read(cluster, item), sets)}
    searches: dict[tuple[Resource, str], set[str]] = {}
    for item in sets:
        hints = hints_of((ref(obj) for obj in item.objects), item.namespace) | parents[item.id].hints
        for resource, namespace in _places(cluster, item, hints):
            searches.setdefault((resource, namespace), set()).add(applyset_id(item.id, item.namespace))
    objects: dict[Ref, Object] = {}
    for found in cluster.pool.map(lambda search: _members(cluster, *search), searches.items()):
        objects.update((ref(obj), obj) for obj in found)
    wanted = {ref(obj): obj["apiVersion"] for item in sets for obj in (*item.objects, *item.fields)}
    missing = [key for key in (*wanted, *also) if key not in objects]
    for obj in cluster.pool.map(lambda key: _get(cluster, key), dict.fromkeys(missing)):
        if obj is not None:
            objects[ref(obj)] = obj
    return Live(objects, parents)


def _places(cluster: Cluster, item: ObjectSet, hints: Hints) -> Iterable[tuple[Resource, str]]:
    for kind in hints.kinds:
        resource = cluster.kinds.find(*kind)
        if resource is None:
            continue
        if resource.namespaced:
            yield from ((resource, namespace) for namespace in {item.namespace, *hints.namespaces})
        else:
            yield resource, ""


def _members(cluster: Cluster, place: tuple[Resource, str], ids: set[str]) -> Sequence[Object]:
    resource, namespace = place
    return cluster.list_at(resource, namespace, f"{PART_OF} in ({','.join(sorted(ids))})")[0]


def _get(cluster: Cluster, key: Ref) -> Object | None:
    resource = cluster.kinds.find(key.group, key.kind)
    return cluster.get_at(resource, key.namespace, key.name) if resource else None
