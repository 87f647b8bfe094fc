# SPDX-License-Identifier: Apache-2.0
"""The definitions of the Gateway API, on request: which version, channel and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, annotations_of, ref
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.sets import manager
from ..model.specs.gateway_api import GatewayApiResult, GatewayApiSpec
from ..render import bundles, gateway_resource
from . import discovery, support

NAME = "gateway_api"
_GROUP = "gateway.networking.k8s.io"
_BUNDLE, _CHANNEL = f"{_GROUP}/bundle-version", f"{_GROUP}/channel"
#: Where the project publishes a release.
_RELEASE = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v{version}/{channel}-install.yaml"
#: What istiod calls itself in the classes that it makes, and that nobody removes.
_CONTROLLERS = "istio.io/"


@dataclass(frozen=True)
class Facts:
    """The bundle, read once it is asked for, Istio versions in the cluster, and the classes that istiod made."""

    spec: GatewayApiSpec
    istio: frozenset[str]
    classes: tuple[Ref, ...]

    @cached_property
    def bundle(self) -> bundles.Bundle:
        """Raises MeshError."""
        return bundles.get(_source(self.spec), self.spec.checksum)


def _source(spec: GatewayApiSpec) -> str:
    if spec.source:
        return spec.source
    if not spec.version:
        raise MeshError("invalid_option", "is required", where="version", hint="or set source")
    return _RELEASE.format(version=spec.version, channel=spec.channel)


def observe(cluster: Reader, spec: GatewayApiSpec) -> Facts:
    """Read what decides."""
    classes = cluster.list(f"{_GROUP}/v1", "GatewayClass")
    ours = tuple(ref(obj) for obj in classes if str(obj["spec"].get("controllerName")).startswith(_CONTROLLERS))
    versions = discovery.versions(cluster, discovery.injectors(cluster))
    return Facts(spec, frozenset(versions.values()), ours)


def preflight(spec: GatewayApiSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """The bundle must be what was asked for, and new enough for every istiod that is there."""
    if state != "present":
        return
    definitions = _definitions(facts)
    if not definitions:
        text = "holds no definition of the Gateway API"
        yield Finding("error", MeshError("invalid_object", text, where=_source(spec)))
        return
    marks = annotations_of(definitions[0])
    wanted = {_CHANNEL: spec.channel, **({_BUNDLE: f"v{spec.version}"} if spec.version else {})}
    for key, value in wanted.items():
        if marks.get(key, value) != value:
            text = f"says {key}: {marks[key]}, not {value}"
            hint = "correct version, channel or source"
            yield Finding("error", MeshError("invalid_option", text, where=_source(spec), hint=hint))
    for version in sorted(facts.istio):
        yield from support.gateway_api(version, definitions)


def _definitions(facts: Facts) -> list[Object]:
    found = (obj for obj in facts.bundle.objects if obj["kind"] == "CustomResourceDefinition")
    return [obj for obj in found if obj["spec"].get("group") == _GROUP]


def wanted(spec: GatewayApiSpec, facts: Facts) -> list[ObjectSet]:
    """All that the bundle holds."""
    return [_set(spec, tuple(facts.bundle.objects), _version(facts))]


def removal(spec: GatewayApiSpec, facts: Facts) -> Removal:
    """The definitions, with the classes that istiod made of its own accord."""
    return Removal((_set(spec),), facts.classes)


def _set(spec: GatewayApiSpec, objects: tuple[Object, ...] = (), version: str = "") -> ObjectSet:
    return ObjectSet("gateway-api", spec.namespace, manager(NAME), objects, version=version)


def left_by_istiod(_spec: GatewayApiSpec) -> Iterator[Object]:
    """The classes that an istiod with everything on will make."""
    for name in ("istio", "istio-remote", gateway_resource.WAYPOINT_CLASS, "istio-east-west"):
        spec = {"controllerName": f"{_CONTROLLERS}gateway-controller"}
        yield {"apiVersion": f"{_GROUP}/v1", "kind": "GatewayClass", "metadata": {"name": name}, "spec": spec}


def _version(facts: Facts) -> str:
    return next((annotations_of(obj).get(_BUNDLE, "").removeprefix("v") for obj in _definitions(facts)), "")


def result(_spec: GatewayApiSpec, facts: Facts, _live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{version, checksum}``."""
    return {"version": _version(facts), "checksum": facts.bundle.checksum}


GATEWAY_API: Declarative[GatewayApiSpec, Facts] = Declarative(
    name=NAME,
    spec=GatewayApiSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=GatewayApiResult,
    leaves=left_by_istiod,
)
