# SPDX-License-Identifier: Apache-2.0
"""What the engine is asked to do under faults: states between which each workload goes to and fro."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.state import Lab
from tests.faults.engine import Job

NOTHING, FIRST, SECOND = "nothing", "S1", "S2"
_NAMESPACES = ("faults-a", "faults-b")


#: From which state to which.
Way = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """Two states between which the engine is sent there and back. ``product``: the full campaign spoils each request
    in each way, else in one; ``stride``: the quick one takes every request, or only every nth."""

    one: str
    other: str
    product: bool = False
    stride: int = 1

    @property
    def ways(self) -> tuple[Way, Way]:
        """There, and back."""
        return (self.one, self.other), (self.other, self.one)


@dataclass(frozen=True)
class Workload:
    """States by name, and between which of them the engine is sent."""

    name: str
    states: Mapping[str, Job]
    pairs: tuple[Pair, ...]
    #: Namespaces of somebody else that must be there.
    namespaces: tuple[str, ...] = field(default=())


def _object(api_version: str, kind: str, name: str, namespace: str = "", **rest: Any) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place}, **rest}


def _namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    return _object("v1", "ConfigMap", name, namespace, data=data)


def _rules(*verbs: str) -> dict[str, Any]:
    return {"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": list(verbs)}]}


def _deployment(namespace: str, image: str) -> dict[str, Any]:
    marks = {"app": "faults"}
    pod = {"metadata": {"labels": marks}, "spec": {"containers": [{"name": "app", "image": image}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": marks}, "template": pod}
    return _object("apps/v1", "Deployment", "faults", namespace, spec=spec)


def _definition() -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    names = {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "faults.example", "names": names, "scope": "Namespaced", "versions": [version]}
    return _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.faults.example", spec=spec)


def config_set(_lab: Lab) -> Workload:
    """Creates, updates and deletions in two namespaces; a definition with custom resources; a workload to wait for."""
    a, b = _NAMESPACES
    rbac = "rbac.authorization.k8s.io/v1"
    first = [
        _config_map(a, "kept", key="1"),
        _config_map(a, "changed", key="1", gone="1"),
        _config_map(b, "removed", key="1"),
        _object(rbac, "ClusterRole", "faults-reader", **_rules("get")),
        _deployment(a, "faults.invalid/app:1"),
    ]
    second = [
        _namespace(b, faults="yes"),
        _config_map(a, "kept", key="1"),
        _config_map(a, "changed", key="2"),
        _config_map(b, "created", key="1"),
        _object(rbac, "ClusterRole", "faults-reader", **_rules("get", "list")),
        _object(rbac, "Role", "faults", b, **_rules("get")),
        _deployment(a, "faults.invalid/app:2"),
        _definition(),
        _object("faults.example/v1", "Widget", "one", a, spec={"size": 1}),
        _object("faults.example/v1", "Widget", "two", b, spec={"size": 2}),
    ]
    declared = {"name": "faults", "namespace": a}
    states = {
        NOTHING: Job("config_set", declared, "absent", _OPTIONS),
        FIRST: Job("config_set", {**declared, "objects": first}, options=_OPTIONS),
        SECOND: Job("config_set", {**declared, "objects": second}, options=_OPTIONS),
    }
    pairs = (Pair(FIRST, SECOND, product=True), Pair(NOTHING, SECOND, stride=4))
    return Workload("config_set", states, pairs, _NAMESPACES)


def control_plane(lab: Lab) -> Workload:
    """Base and istiod with a real istiod behind the webhooks; the second state has other settings and the CNI agent."""
    first: dict[str, Any] = {
        "charts": {"repository": lab.chart_repository, "plain_http": True},
        "version": lab.istio_version,
        "values": {**lab.istio_values, "base": {"excludedCRDs": _SPARED}},
    }
    second = {**first, "cni": True, "mesh_config": {"accessLogFile": "/dev/stdout"}, "image_pull_policy": "Always"}
    states = {
        NOTHING: Job("control_plane", first, "absent", _OPTIONS),
        FIRST: Job("control_plane", {**first, "cni": False}, options=_OPTIONS),
        SECOND: Job("control_plane", second, options=_OPTIONS),
    }
    pairs = (Pair(FIRST, SECOND, product=True), Pair(NOTHING, FIRST, stride=16))
    return Workload("control_plane", states, pairs, ("istio-system",))


#: Enough for what simulated nodes and controllers do, short enough to be seen to end.
_OPTIONS = {"wait": True, "wait_timeout": 60}
#: Definitions are costly to come and go, and all alike: two are kept, one of which validation is proven with.
_SPARED = [
    *(f"{name}.extensions.istio.io" for name in ("trafficextensions", "wasmplugins")),
    *(f"{name}.networking.istio.io" for name in ("destinationrules", "envoyfilters", "proxyconfigs", "serviceentries")),
    *(f"{name}.networking.istio.io" for name in ("sidecars", "virtualservices", "workloadentries", "workloadgroups")),
    *(f"{name}.security.istio.io" for name in ("authorizationpolicies", "peerauthentications")),
    "requestauthentications.security.istio.io",
]

WORKLOADS: dict[str, Callable[[Lab], Workload]] = {make.__name__: make for make in (config_set, control_plane)}
