# SPDX-License-Identifier: Apache-2.0
"""The outline of objects on which the core relies; everything else is the API server's to judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .objects import Object, group_of


class Shape(NamedTuple):
    """What must stand at a path, if anything does; ``*`` is every item of a list, and every value of a map."""

    path: str
    type: type
    required: bool = False


_EVERY = (
    Shape("metadata", Mapping),
    Shape("metadata.namespace", str),
    Shape("metadata.labels", Mapping),
    Shape("metadata.labels.*", str),
    Shape("metadata.annotations", Mapping),
    Shape("metadata.annotations.*", str),
    Shape("metadata.ownerReferences", list),
    Shape("metadata.ownerReferences.*", Mapping),
)


def _pods(spec: str, metadata: str) -> tuple[Shape, ...]:
    """The shapes of pods, by the paths of their spec and metadata."""
    steps = spec.split(".")
    outer = (Shape(".".join(steps[:count]), Mapping, required=True) for count in range(1, len(steps) + 1))
    return (
        *outer,
        Shape(f"{spec}.containers", list, required=True),
        Shape(f"{spec}.containers.*", Mapping, required=True),
        Shape(f"{spec}.containers.*.name", str, required=True),
        Shape(metadata, Mapping),
        Shape(f"{metadata}.labels", Mapping),
        Shape(f"{metadata}.annotations", Mapping),
    )


_WITH_PODS = _pods("spec.template.spec", "spec.template.metadata")
_WEBHOOKS = (
    Shape("webhooks", list),
    Shape("webhooks.*", Mapping, required=True),
    Shape("webhooks.*.name", str, required=True),
    Shape("webhooks.*.clientConfig", Mapping),
)
_RULES = (Shape("rules", list), Shape("rules.*", Mapping, required=True))
_BINDING = (
    Shape("roleRef", Mapping, required=True),
    Shape("roleRef.kind", str, required=True),
    Shape("roleRef.name", str, required=True),
)
_DEFINITION = (
    Shape("spec", Mapping, required=True),
    Shape("spec.group", str, required=True),
    Shape("spec.scope", str, required=True),
    Shape("spec.names", Mapping, required=True),
    Shape("spec.names.kind", str, required=True),
    Shape("spec.names.plural", str, required=True),
    Shape("spec.versions", list, required=True),
    Shape("spec.versions.*", Mapping, required=True),
    Shape("spec.versions.*.name", str, required=True),
    Shape("spec.versions.*.schema", Mapping),
    Shape("spec.versions.*.schema.openAPIV3Schema", Mapping),
)
_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"

#: (group, kind) -> shapes beside those of every object.
_OF_KIND: dict[tuple[str, str], tuple[Shape, ...]] = {
    ("", "ConfigMap"): (Shape("data", Mapping), Shape("binaryData", Mapping)),
    ("", "Secret"): (Shape("data", Mapping), Shape("stringData", Mapping)),
    ("", "Service"): (Shape("spec", Mapping), Shape("spec.ports", list), Shape("spec.ports.*", Mapping)),
    **{("apps", kind): _WITH_PODS for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")},
    ("batch", "Job"): _WITH_PODS,
    ("", "ReplicationController"): _WITH_PODS,
    ("batch", "CronJob"): _pods("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.metadata"),
    ("", "Pod"): _pods("spec", "metadata"),
    **{(_ADMISSION, f"{kind}WebhookConfiguration"): _WEBHOOKS for kind in ("Mutating", "Validating")},
    **{(_RBAC, kind): _RULES for kind in ("ClusterRole", "Role")},
    **{(_RBAC, kind): _BINDING for kind in ("ClusterRoleBinding", "RoleBinding")},
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _DEFINITION,
}

_NAMES: dict[Any, str] = {Mapping: "a map", list: "a list", str: "a string"}


def flaws(obj: Object) -> Iterator[str]:
    """What is not as it must be, like ``metadata.labels must be a map``. The object has apiVersion, kind and a name."""
    for shape in (*_EVERY, *_OF_KIND.get((group_of(obj["apiVersion"]), obj["kind"]), ())):
        for place, value in _at(obj, shape.path.split("."), ""):
            if value is None:
                if shape.required:
                    yield f"has no {place}"
            elif not isinstance(value, shape.type):
                quote = "; quote it" if shape.type is str and isinstance(value, (int, float)) else ""
                yield f"{place} must be {_NAMES[shape.type]}{quote}"


def _at(value: Any, steps: list[str], place: str) -> Iterator[tuple[str, Any]]:
    """What stands at a path, with its place; a path that ends before is somebody else's flaw."""
    if not steps:
        yield place, value
        return
    step, rest = steps[0], steps[1:]
    if step != "*":
        if isinstance(value, Mapping):
            yield from _at(value.get(step), rest, f"{place}.{step}" if place else step)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _at(item, rest, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _at(item, rest, f"{place}[{index}]")
