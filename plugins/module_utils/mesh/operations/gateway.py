# SPDX-License-Identifier: Apache-2.0
"""Gateways: proxies at the edge, from Istio's gateway chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..apply.readiness import addresses
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, labels_of
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.sets import DEFAULT_REVISION, manager
from ..model.specs.gateway import GatewayResult, GatewaySpec
from ..render import charts, helm
from ..render.gateway import values_for, warnings
from ..render.manifests import Target, render
from . import discovery

NAME = "gateway"


@dataclass(frozen=True)
class Facts:
    """What of the cluster matters to a gateway."""

    target: Target
    injectors: Sequence[Object]
    namespace: Object | None


def observe(cluster: Reader, spec: GatewaySpec) -> Facts:
    """Read what decides."""
    return Facts(
        Target(cluster.server_version, cluster.api_versions),
        discovery.injectors(cluster),
        cluster.get("v1", "Namespace", "", spec.namespace),
    )


def preflight(spec: GatewaySpec, facts: Facts, state: State) -> Iterator[Finding]:
    """The proxy's image comes by injection: it must be in force in that namespace."""
    if state != "present":
        return
    for text in warnings(spec):
        yield Finding("warning", MeshError("invalid_option", text))
    if spec.type == "eastwest" and not spec.network:
        yield Finding("error", MeshError("invalid_option", "is required by type eastwest", where="network"))
    if spec.revision == DEFAULT_REVISION:
        answered = any(discovery.answers_by_default(obj) for obj in facts.injectors)
    else:
        answered = discovery.resolve(facts.injectors, spec.revision) is not None
    if not answered:
        text = "no revision or tag of that name is installed"
        hint = "apply the control plane or the tag first"
        yield Finding("pending", MeshError("missing_dependency", text, where=f"revision {spec.revision}", hint=hint))
    if labels_of(facts.namespace or {}).get("istio-injection") == "disabled":
        text = "has istio-injection=disabled, so the gateway would get no proxy"
        where = f"Namespace {spec.namespace}"
        yield Finding("error", MeshError("missing_dependency", text, where=where, hint="choose another namespace"))


def wanted(spec: GatewaySpec, facts: Facts) -> list[ObjectSet]:
    """The chart's objects, and the namespace when it is not there."""
    program = helm.find()
    chart = charts.get(spec.charts, "gateway", spec.version, program)
    objects = render(program, chart, spec.name, spec.namespace, values_for(spec), facts.target)
    return [_set(spec, tuple(objects), chart.version)]


def removal(spec: GatewaySpec, _facts: Facts) -> Removal:
    """The gateway's set."""
    return Removal((_set(spec),))


def _set(spec: GatewaySpec, objects: tuple[Object, ...] = (), version: str = "") -> ObjectSet:
    set_id = f"gateway-{spec.namespace}-{spec.name}"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": spec.namespace}}
    return ObjectSet(set_id, spec.namespace, manager(NAME, spec.namespace, spec.name), objects, (namespace,), version)


def result(_spec: GatewaySpec, _facts: Facts, live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{addresses, ports}``: where the gateway is reached, and ``{name: port}``."""
    services = [obj for key, obj in live.items() if key.kind == "Service"]
    return {
        "addresses": [address for service in services for address in addresses(service)],
        "ports": {port.get("name", str(port["port"])): port["port"] for s in services for port in s["spec"]["ports"]},
    }


GATEWAY: Declarative[GatewaySpec, Facts] = Declarative(
    name=NAME,
    spec=GatewaySpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=GatewayResult,
)
