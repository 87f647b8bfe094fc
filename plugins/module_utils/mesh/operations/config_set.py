# SPDX-License-Identifier: Apache-2.0
"""A named set of any objects: ordered, owned, validated, pruned."""

from __future__ import annotations

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet
from ..model.operation import Declarative, Reader, Removal
from ..model.sets import manager
from ..model.specs.config_set import ConfigSetSpec
from ..render.manifests import flatten

NAME = "config_set"


def observe(_cluster: Reader, _spec: ConfigSetSpec) -> None:
    """Nothing of the cluster changes what is wanted."""


def wanted(spec: ConfigSetSpec, _facts: None) -> list[ObjectSet]:
    """The declared objects; the engine puts those that name no namespace into the set's."""
    return [_set(spec)]


def _set(spec: ConfigSetSpec) -> ObjectSet:
    """Namespaces are shared by nature: only their declared fields are ours, all else is wholly ours."""
    objects = [_accepted(obj, index) for index, obj in enumerate(flatten(spec.objects, "objects"))]
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


def removal(spec: ConfigSetSpec, _facts: None) -> Removal:
    """The set; namespaces that it created go when they are among the objects, and empty."""
    return Removal((_set(spec),))


CONFIG_SET: Declarative[ConfigSetSpec, None] = Declarative(
    name=NAME, spec=ConfigSetSpec, observe=observe, wanted=wanted, removal=removal
)
