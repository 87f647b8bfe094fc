# SPDX-License-Identifier: Apache-2.0
"""What is there of some sets: one LIST per kind and namespace, and a GET for what the lists do not show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..kube.cluster import Cluster
from ..kube.discovery import Resource
from ..kube.failures import ApiFailure
from ..model.objects import Object, ObjectSet, Ref, ref
from ..model.sets import applyset_id
from ..plan.changes import is_member
from ..plan.owners import PART_OF
from .inventory import Hints, Parent, hints_of, read
from .lock import left_behind


@dataclass(frozen=True)
class Live:
    """Live objects of interest by identity, and the recorded inventory of each set."""

    objects: dict[Ref, Object] = field(default_factory=dict)
    parents: dict[str, Parent] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    #: Sets of which a run that died left the lock.
    locked: frozenset[str] = frozenset()

    @property
    def fields(self) -> dict[str, frozenset[Ref]]:
        """Set id -> the objects of others on which the set has fields, as its inventory recorded."""
        return {name: parent.hints.fields for name, parent in self.parents.items()}


def observe(cluster: Cluster, sets: Sequence[ObjectSet], also: Iterable[Ref] = (), *, thorough: bool = False) -> Live:
    """Everything the planner needs to know about ``sets``, and the objects ``also``. ``thorough``: look for members
    everywhere when a set has no inventory, not only when there is a sign that it got lost."""
    looks: list[Callable[[], Parent | bool]] = []
    for item in sets:
        looks += [partial(read, cluster, item), partial(left_behind, cluster, item)]
    seen = cluster.map(lambda look: look(), looks)
    parents = {parent.set.id: parent for parent in seen if isinstance(parent, Parent)}
    locked = frozenset(item.id for item, left in zip(sets, seen[1::2], strict=True) if left)
    searches: dict[tuple[Resource, str], set[str]] = {}
    for item in sets:
        hints = hints_of((ref(obj) for obj in item.objects), item.namespace) | parents[item.id].hints
        for resource, namespace in _places(cluster, item, hints):
            searches.setdefault((resource, namespace), set()).add(applyset_id(item.id, item.namespace))
    objects: dict[Ref, Object] = {}
    for found in cluster.map(lambda search: _members(cluster, *search), searches.items()):
        objects.update((ref(obj), obj) for obj in found)
    lost = [
        item
        for item in sets
        if item.recorded and parents[item.id].live is None
        if thorough or any(is_member(obj, item) for obj in objects.values())
    ]
    found_again = _everywhere(cluster, lost) if lost else {}
    warnings = [
        f"set {item.id} has lost its inventory; its members were found by their label"
        for item in lost
        if any(is_member(obj, item) for obj in (*objects.values(), *found_again.values()))
    ]
    objects |= found_again
    wanted = {ref(obj): obj["apiVersion"] for item in sets for obj in (*item.objects, *item.fields)}
    recorded = [key for parent in parents.values() for key in parent.hints.fields]
    missing = [key for key in (*wanted, *also, *recorded) if key not in objects]
    objects |= _unlabelled(cluster, dict.fromkeys(missing))
    return Live(objects, parents, warnings, locked)


def _everywhere(cluster: Cluster, sets: Sequence[ObjectSet]) -> dict[Ref, Object]:
    """The members of sets among all kinds in all namespaces, as far as one may look."""
    ids = ",".join(sorted(applyset_id(item.id, item.namespace) for item in sets))

    def search(resource: Resource) -> Sequence[Object]:
        try:
            return cluster.list_at(resource, "", f"{PART_OF} in ({ids})", optional=True)[0]
        except ApiFailure as error:
            if error.status in (403, 404, 405):
                return ()
            raise

    kinds = [resource for resource in cluster.kinds if "list" in resource.verbs]
    return {ref(obj): obj for found in cluster.map(search, kinds) for obj in found}


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


#: So many objects of one kind and namespace are looked for by one list of names rather than one by one.
_MANY = 5


def _unlabelled(cluster: Cluster, keys: Iterable[Ref]) -> dict[Ref, Object]:
    """Those of the objects that exist, though no list of members showed them: mostly none, before a first apply."""
    places: dict[tuple[Resource, str], list[Ref]] = {}
    for key in keys:
        resource = cluster.kinds.find(key.group, key.kind)
        if resource:
            places.setdefault((resource, key.namespace), []).append(key)

    def existing(place: tuple[tuple[Resource, str], list[Ref]]) -> list[Ref]:
        (resource, namespace), wanted = place
        if len(wanted) < _MANY:
            return wanted
        names = cluster.names_at(resource, namespace, most=500 + len(wanted))
        return wanted if names is None else [key for key in wanted if key.name in names]

    looked = [key for found in cluster.map(existing, places.items()) for key in found]
    return {ref(obj): obj for obj in cluster.map(lambda key: _get(cluster, key), looked) if obj is not None}


def _get(cluster: Cluster, key: Ref) -> Object | None:
    resource = cluster.kinds.find(key.group, key.kind)
    return cluster.get_at(resource, key.namespace, key.name) if resource else None
