# SPDX-License-Identifier: Apache-2.0
"""Gateways: proxies at the edge, from Istio's gateway chart or by a Gateway of the Gateway API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..apply.readiness import addresses
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, labels_of
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.sets import DEFAULT_REVISION, manager
from ..model.spec import fields
from ..model.specs.gateway import GatewayResult, GatewaySpec
from ..render import charts, exposing, gateway_resource, helm, tls
from ..render.gateway import values_for, warnings
from ..render.manifests import Target, render
from . import discovery, gateway_classes

NAME = "gateway"


@dataclass(frozen=True)
class Facts:
    """What of the cluster matters to a gateway."""

    target: Target
    injectors: Sequence[Object]
    namespace: Object | None
    classes: gateway_classes.Classes


def observe(cluster: Reader, spec: GatewaySpec) -> Facts:
    """Read what decides."""
    return Facts(
        Target(cluster.server_version, cluster.api_versions),
        discovery.injectors(cluster),
        cluster.get("v1", "Namespace", "", spec.namespace),
        gateway_classes.observe(cluster, spec.form == "gateway_api"),
    )


def preflight(spec: GatewaySpec, facts: Facts, state: State) -> Iterator[Finding]:
    """The form must know what is asked of it; somebody must run the proxies."""
    if state != "present":
        return
    for text in warnings(spec):
        yield Finding("warning", MeshError("invalid_option", text))
    if spec.type == "eastwest" and not spec.network:
        yield Finding("error", MeshError("invalid_option", "is required by type eastwest", where="network"))
    if "services" in spec.expose and not (spec.type == "eastwest" and spec.network):
        text, hint = "services need a gateway of type eastwest with a network", "say both, or leave services out"
        yield Finding("error", MeshError("invalid_option", text, where="expose", hint=hint))
    yield from _misplaced(spec)
    yield from _answered(spec, facts)
    if spec.form == "gateway_api":
        yield from gateway_classes.lacking(facts.classes, gateway_resource.CLASSES[spec.type])
        yield from _of_gateway_api(spec)
    elif labels_of(facts.namespace or {}).get("istio-injection") == "disabled":
        text = "has istio-injection=disabled, so the gateway would get no proxy"
        where = f"Namespace {spec.namespace}"
        yield Finding("error", MeshError("missing_dependency", text, where=where, hint="choose another namespace"))


#: Options that only one form knows; where charts come from is no harm to the other.
_ONLY = {"chart": ("expose", "ports", "values"), "gateway_api": ("listeners",)}


def _misplaced(spec: GatewaySpec) -> Iterator[Finding]:
    defaults = {field.name: field.default for field in fields(GatewaySpec)}
    for form, names in _ONLY.items():
        for name in names if form != spec.form else ():
            if getattr(spec, name) != defaults[name]:
                text = f"is only for form {form}"
                yield Finding("error", MeshError("invalid_option", text, where=name, hint="leave it out"))


def _of_gateway_api(spec: GatewaySpec) -> Iterator[Finding]:
    """What the Gateway API cannot express, or needs."""
    wrong = {
        "listeners": "is required by form gateway_api" if spec.type != "eastwest" and not spec.listeners else "",
        "service_type": "cannot be None with form gateway_api" if spec.service_type == "None" else "",
        "max_replicas": "is required with min_replicas" if spec.min_replicas and not spec.max_replicas else "",
    }
    if spec.type == "eastwest" and spec.listeners:
        wrong["listeners"] = "is not for type eastwest, which has its own"
    for name, text in wrong.items():
        if text:
            yield Finding("error", MeshError("invalid_option", text, where=name))
    for index, item in enumerate(spec.listeners):
        if item.protocol in ("HTTPS", "TLS") and item.tls_mode != "Passthrough" and not item.certificates:
            text = f"is required by protocol {item.protocol}" + (", or tls_mode Passthrough" * (item.protocol == "TLS"))
            yield Finding("error", MeshError("invalid_option", text, where=f"listeners[{index}].certificates"))


def _answered(spec: GatewaySpec, facts: Facts) -> Iterator[Finding]:
    if spec.revision == DEFAULT_REVISION:
        answered = any(discovery.answers_by_default(obj) for obj in facts.injectors)
    else:
        answered = discovery.resolve(facts.injectors, spec.revision) is not None
    if not answered:
        text = "no revision or tag of that name is installed"
        hint = "apply the control plane or the tag first"
        yield Finding("pending", MeshError("missing_dependency", text, where=f"revision {spec.revision}", hint=hint))


class _Made(NamedTuple):
    """The objects of a gateway, and the version that they are of."""

    objects: list[Object]
    version: str = ""


def wanted(spec: GatewaySpec, facts: Facts) -> list[ObjectSet]:
    """The objects of its form, and the namespace when it is not there."""
    made = _FORMS[spec.form](spec, facts)
    return [_set(spec, (*map(tls.secret, spec.tls_secrets), *made.objects), made.version)]


def _by_chart(spec: GatewaySpec, facts: Facts) -> _Made:
    program = helm.find()
    chart = charts.get(spec.charts, "gateway", spec.version, program)
    objects = render(program, chart, spec.name, spec.namespace, values_for(spec), facts.target)
    return _Made([*objects, *exposing.objects(spec, discovery.roots_of(facts.injectors))], chart.version)


def _by_istiod(spec: GatewaySpec, _facts: Facts) -> _Made:
    return _Made(gateway_resource.gateway(spec))


_FORMS = {"chart": _by_chart, "gateway_api": _by_istiod}


def removal(spec: GatewaySpec, _facts: Facts) -> Removal:
    """The gateway's set."""
    return Removal((_set(spec),))


def _set(spec: GatewaySpec, objects: tuple[Object, ...] = (), version: str = "") -> ObjectSet:
    set_id = f"gateway-{spec.namespace}-{spec.name}"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": spec.namespace}}
    return ObjectSet(set_id, spec.namespace, manager(NAME, spec.namespace, spec.name), objects, (namespace,), version)


_GATEWAY = ("gateway.networking.k8s.io", "Gateway")


def result(_spec: GatewaySpec, _facts: Facts, live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{addresses, ports}``: where the gateway is reached, and ``{name: port}``."""
    services = [obj for key, obj in live.items() if key.kind == "Service"]
    # Those of the Gateway API; Istio calls its own kind by the same name.
    gateways = [obj for key, obj in live.items() if (key.group, key.kind) == _GATEWAY]
    named = [port for obj in services for port in obj["spec"]["ports"]]
    named += [listener for obj in gateways for listener in obj["spec"]["listeners"]]
    return {
        "addresses": [address for obj in services for address in addresses(obj)]
        + [address for obj in gateways for address in gateway_classes.addresses(obj)],
        "ports": {port.get("name", str(port["port"])): port["port"] for port in named},
    }


def made(cluster: Reader, spec: GatewaySpec) -> Sequence[Object]:
    """What istiod runs for it."""
    return gateway_classes.workloads(cluster, spec.namespace, spec.name) if spec.form == "gateway_api" else ()


def lingering(cluster: Reader, spec: GatewaySpec) -> Sequence[Object]:
    """Its proxies, where istiod runs them."""
    return gateway_classes.pods(cluster, spec.namespace, spec.name) if spec.form == "gateway_api" else ()


GATEWAY: Declarative[GatewaySpec, Facts] = Declarative(
    name=NAME,
    spec=GatewaySpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=GatewayResult,
    made=made,
    lingering=lingering,
    needs=lambda spec: gateway_classes.needs(spec.namespace) if spec.form == "gateway_api" else (),
)
