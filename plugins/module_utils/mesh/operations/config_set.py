# SPDX-License-Identifier: Apache-2.0
"""A named set of any objects: ordered, owned, validated, pruned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, ref
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.sets import manager
from ..model.specs.config_set import ConfigSetSpec
from ..plan.extract import extracted
from ..render.manifests import flatten
from . import discovery

NAME = "config_set"


#: Kinds that change proxies themselves; in the mesh's root namespace they do so everywhere.
_FAR_REACHING = frozenset({"EnvoyFilter", "WasmPlugin"})


@dataclass(frozen=True)
class Facts:
    """Root namespaces of the meshes in the cluster; looked up only where the declaration makes it matter."""

    roots: frozenset[str] = frozenset()


def observe(cluster: Reader, spec: ConfigSetSpec) -> Facts:
    """Where istiod lives: what is in its namespace counts for the whole mesh."""
    if not any(obj["kind"] in _FAR_REACHING for obj in flatten(spec.objects or (), "objects")):
        return Facts()
    return Facts(frozenset({"istio-system", *discovery.namespaces_of(discovery.injectors(cluster))}))


def preflight(spec: ConfigSetSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """What reaches further than it may seem to; and a declaration without objects, which is a slip."""
    if spec.objects is None and state == "present":
        hint = "an empty list empties the set"
        yield Finding("error", MeshError("invalid_option", "is required", where="objects", hint=hint))
    for obj in _set(spec).objects if facts.roots and state == "present" else ():
        namespace = obj["metadata"].get("namespace") or spec.namespace
        if obj["kind"] in _FAR_REACHING and namespace in facts.roots:
            text = "counts for every proxy of the mesh that it selects, in all namespaces"
            place = f"{obj['kind']} {namespace}/{obj['metadata']['name']}"
            hint = "put it into the namespace of the workloads that it is for"
            yield Finding("warning", MeshError("invalid_object", text, where=place, hint=hint))


def wanted(spec: ConfigSetSpec, _facts: Facts) -> list[ObjectSet]:
    """The declared objects; the engine puts those that name no namespace into the set's."""
    return [_set(spec)]


def _set(spec: ConfigSetSpec) -> ObjectSet:
    """Namespaces are shared by nature: only their declared fields are ours, all else is wholly ours."""
    objects = [_accepted(obj, index) for index, obj in enumerate(flatten(spec.objects or (), "objects"))]
    return ObjectSet(
        f"config-{spec.name}",
        spec.namespace,
        manager(NAME, spec.namespace, spec.name),
        tuple(obj for obj in objects if obj["kind"] != "Namespace"),
        tuple(obj for obj in objects if obj["kind"] == "Namespace"),
    )


#: What only the API server or another set may write.
_NOT_DECLARED = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "deletionTimestamp")


def _accepted(obj: Object, index: int) -> Object:
    metadata = obj["metadata"]
    where = f"objects[{index}] {obj['kind']} {metadata['name']}"
    if "applyset.kubernetes.io/part-of" in (metadata.get("labels") or {}):
        text = "carries the label of another set"
        raise MeshError("invalid_object", text, where=where, hint="remove applyset.kubernetes.io/part-of")
    kept = {key: value for key, value in metadata.items() if key not in _NOT_DECLARED}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": kept}


def removal(spec: ConfigSetSpec, _facts: Facts) -> Removal:
    """The set; namespaces that it created go when they are among the objects, and empty."""
    return Removal((_set(spec),))


def recovered(spec: ConfigSetSpec, live: Iterable[Object]) -> ConfigSetSpec:
    """With the objects of the set, as they were declared."""
    declared = [extracted(obj, _set(spec).manager) for obj in live]
    return replace(spec, objects=sorted(declared, key=ref))


CONFIG_SET: Declarative[ConfigSetSpec, Facts] = Declarative(
    name=NAME,
    spec=ConfigSetSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    recovered=recovered,
)
