# SPDX-License-Identifier: Apache-2.0
"""Waypoints: the layer 7 proxies of ambient workloads, and the namespaces that use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.sets import DEFAULT_REVISION, manager
from ..model.specs.waypoint import WaypointResult, WaypointSpec
from ..render import gateway_resource
from ..render.injection import namespace
from . import discovery, gateway_classes

NAME = "waypoint"
#: Labels by which a namespace chooses its waypoint (istio.io, "Configure waypoint proxies").
_USE, _USE_NAMESPACE, _INGRESS = (
    "istio.io/use-waypoint",
    "istio.io/use-waypoint-namespace",
    "istio.io/ingress-use-waypoint",
)


@dataclass(frozen=True)
class Facts:
    """Who answers to a revision, and whether somebody runs waypoints."""

    injectors: Sequence[Object]
    classes: gateway_classes.Classes


def observe(cluster: Reader, _spec: WaypointSpec) -> Facts:
    """Read what decides."""
    return Facts(discovery.injectors(cluster), gateway_classes.observe(cluster, True))


def preflight(spec: WaypointSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """The Gateway API must be there, and a revision of that name."""
    if state != "present":
        return
    if spec.min_replicas and not spec.max_replicas:
        yield Finding("error", MeshError("invalid_option", "is required with min_replicas", where="max_replicas"))
    yield from gateway_classes.lacking(facts.classes, gateway_resource.WAYPOINT_CLASS)
    if spec.revision != DEFAULT_REVISION and discovery.resolve(facts.injectors, spec.revision) is None:
        text, hint = "no revision or tag of that name is installed", "apply the control plane or the tag first"
        yield Finding("pending", MeshError("missing_dependency", text, where=f"revision {spec.revision}", hint=hint))


def wanted(spec: WaypointSpec, _facts: Facts) -> list[ObjectSet]:
    """The waypoint, its namespace, and the labels of those that use it."""
    return [_set(spec, tuple(gateway_resource.waypoint(spec)), _labels(spec))]


def _labels(spec: WaypointSpec) -> dict[str, dict[str, str]]:
    """Namespace -> its labels."""
    ingress = {_INGRESS: "true"} if spec.ingress else {}
    return {
        name: {_USE: spec.name, **({_USE_NAMESPACE: spec.namespace} if name != spec.namespace else {}), **ingress}
        for name in spec.namespaces
    }


def removal(spec: WaypointSpec, _facts: Facts) -> Removal:
    """The waypoint's set; before it goes nobody uses it any more."""
    return Removal((_set(spec, (), {name: {} for name in spec.namespaces}),))


def _set(spec: WaypointSpec, objects: tuple[Object, ...], labels: Mapping[str, dict[str, str]]) -> ObjectSet:
    named = {spec.namespace: {}, **labels}
    fields = tuple(namespace(name, said) for name, said in named.items())
    set_id = f"waypoint-{spec.namespace}-{spec.name}"
    return ObjectSet(set_id, spec.namespace, manager(NAME, spec.namespace, spec.name), objects, fields)


def result(_spec: WaypointSpec, _facts: Facts, live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{addresses}``."""
    gateways = [obj for key, obj in live.items() if key.kind == "Gateway"]
    return {"addresses": [address for obj in gateways for address in gateway_classes.addresses(obj)]}


WAYPOINT: Declarative[WaypointSpec, Facts] = Declarative(
    name=NAME,
    spec=WaypointSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=WaypointResult,
    made=lambda cluster, spec: gateway_classes.workloads(cluster, spec.namespace, spec.name),
    lingering=lambda cluster, spec: gateway_classes.pods(cluster, spec.namespace, spec.name),
    needs=lambda spec: gateway_classes.needs(spec.namespace),
)
