# SPDX-License-Identifier: Apache-2.0
"""Where objects belong: in a namespace or in none, of a kind that is served, once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..kube.cluster import Cluster
from ..kube.discovery import Kinds, of_crds
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, ref
from ..plan.changes import Change
from .live import Live

#: Characters of a label's value.
_LONGEST_ID = 63


def known_kinds(cluster: Cluster, sets: Sequence[ObjectSet]) -> Kinds:
    """The cluster's kinds and those that CRDs among the wanted objects will bring."""
    return Kinds([*cluster.kinds.served, *of_crds(obj for item in sets for obj in item.objects)])


def placed(cluster: Cluster, sets: Sequence[ObjectSet]) -> tuple[list[ObjectSet], list[MeshError]]:
    """The sets with every object in a namespace if its kind wants one, and which kinds are not served."""
    kinds = known_kinds(cluster, sets)
    unserved: dict[str, MeshError] = {}
    result = []
    for item in sets:
        _check_length(item)
        objects, fields = (
            tuple(_in_namespace(kinds, obj, item, unserved) for obj in part) for part in (item.objects, item.fields)
        )
        result.append(replace(item, objects=objects, fields=fields))
    refuse_twins(result)
    return result, list(unserved.values())


def refuse_twins(sets: Iterable[ObjectSet]) -> None:
    """Raise MeshError for an object that is declared twice."""
    seen: dict[Ref, str] = {}
    for item in sets:
        for key in map(ref, (*item.objects, *item.fields)):
            if key in seen:
                places = dict.fromkeys(f"set {name}" for name in (seen[key], item.id))
                raise MeshError("invalid_object", f"is declared twice ({' and '.join(places)})", where=str(key))
            seen[key] = item.id


def _check_length(item: ObjectSet) -> None:
    """The id of a set is the value of a label."""
    if len(item.id) > _LONGEST_ID:
        text = f"has {len(item.id)} characters, {_LONGEST_ID} are possible"
        raise MeshError("invalid_option", text, where=f"set {item.id}", hint="choose a shorter name")


def _in_namespace(kinds: Kinds, obj: Object, item: ObjectSet, unserved: dict[str, MeshError]) -> Object:
    key = ref(obj)
    resource = kinds.find(key.group, key.kind, obj["apiVersion"].rpartition("/")[2])
    if resource is None:
        kind = f"{obj['apiVersion']} {obj['kind']}"
        hint = "install the CRD first, or correct apiVersion and kind"
        error = MeshError("missing_dependency", f"the cluster does not serve {kind}", where=str(key), hint=hint)
        unserved.setdefault(kind, error)
    if (resource is None or resource.namespaced) and not key.namespace:
        return {**obj, "metadata": {**obj["metadata"], "namespace": item.namespace}}
    if key.namespace and resource is not None and not resource.namespaced:
        raise MeshError("invalid_object", "is cluster-scoped and takes no namespace", where=str(key))
    return obj


def homeless(
    cluster: Cluster, sets: Sequence[ObjectSet], live: Live, changes: Iterable[Change]
) -> dict[str, MeshError]:
    """Namespaces that new objects need and nobody brings: by name, the error that says so."""
    new = [change.ref for change in changes if change.action == "create"]
    brought = {key.name for key in new if key.kind == "Namespace"}
    there = {key.namespace for key in live.objects} | {key.name for key in live.objects if key.kind == "Namespace"}
    there |= {item.namespace for item in sets if live.parents[item.id].live is not None}
    needed = {key.namespace: key for key in sorted(new, reverse=True) if key.namespace not in ("", *brought, *there)}
    found = cluster.map(lambda name: cluster.get("v1", "Namespace", "", name), needed)
    return {name: _homeless(key) for (name, key), obj in zip(needed.items(), found, strict=True) if obj is None}


def _homeless(key: Ref) -> MeshError:
    text, hint = f"there is no namespace {key.namespace}", "make it first, or declare it among the objects"
    return MeshError("missing_dependency", text, where=str(key), hint=hint)
