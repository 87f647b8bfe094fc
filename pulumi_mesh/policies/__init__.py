# SPDX-License-Identifier: Apache-2.0
"""A policy pack for meshes: what a security team asks first. The rules are functions over plain objects.

``pulumi up --policy-pack $(python -m pulumi_mesh.policies)`` enforces it; each rule can be made advisory or switched
off by the pack's configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """One policy: ``violations`` yields a line for each object that breaks it."""

    name: str
    description: str
    violations: Callable[[Sequence[Object]], Iterator[str]]


def objects_of(resource_type: str, properties: Mapping[str, Any]) -> list[Object]:
    """The objects that a resource brings: those of a `ConfigSet`, or one of pulumi-kubernetes."""
    if resource_type == "mesh:index:ConfigSet":
        return list(_opened(properties.get("objects")))
    if resource_type.startswith("kubernetes:") and "kind" in properties:
        return list(_opened([properties]))
    return []


def _opened(objects: Any) -> Iterator[Object]:
    """Lists of objects are what they hold."""
    for obj in _maps(objects):
        if str(obj.get("kind", "")).endswith("List") and "items" in obj:
            yield from _opened(obj["items"])
        else:
            yield obj


def _maps(found: Any) -> list[Mapping[str, Any]]:
    """The maps in what should be a list of them."""
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, Sequence) else []


def _map(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _named(obj: Object) -> str:
    metadata = obj.get("metadata") or {}
    return f"{obj.get('kind')} {metadata.get('namespace', '')}/{metadata.get('name', '')}".replace(" /", " ")


def _of_kind(objects: Iterable[Object], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and spec of every object of a kind of Istio's."""
    for obj in objects:
        if obj.get("kind") == kind and ".istio.io/" in str(obj.get("apiVersion")):
            yield _named(obj), _map(obj.get("spec"))


def _weak_mtls(objects: Sequence[Object]) -> Iterator[str]:
    for name, spec in _of_kind(objects, "PeerAuthentication"):
        ports = _map(spec.get("portLevelMtls")).values()
        modes = [str(_map(part).get("mode")) for part in (spec.get("mtls"), *ports) if part]
        weak = [mode for mode in modes if mode in ("PERMISSIVE", "DISABLE")]
        if weak:
            yield f"{name}: mTLS is {weak[0]}; use STRICT"
    for name, spec in _of_kind(objects, "DestinationRule"):
        if "DISABLE" in _tls_modes(spec):
            yield f"{name}: switches TLS off towards {spec.get('host')}"


def _tls_modes(spec: Mapping[str, Any]) -> list[str]:
    """Of a DestinationRule: for the host, for subsets, and for single ports of either."""
    policies = [_map(part.get("trafficPolicy")) for part in (spec, *_maps(spec.get("subsets")))]
    policies += [port for policy in policies for port in _maps(policy.get("portLevelSettings"))]
    return [str(_map(policy["tls"]).get("mode", "")) for policy in policies if policy.get("tls")]


def _wildcards(objects: Sequence[Object]) -> Iterator[str]:
    for name, spec in _of_kind(objects, "Gateway"):
        hosts = [str(host) for server in _maps(spec.get("servers")) for host in server.get("hosts") or ()]
        for host in hosts:
            if host.rpartition("/")[2] == "*":
                yield f"{name}: takes every host name; name the hosts"


#: Kinds that exist in no newer version (istio/api 1.31).
_ONLY_THERE = frozenset({"EnvoyFilter", "ProxyConfig", "WasmPlugin"})
_OLD = ("v1alpha1", "v1alpha2", "v1alpha3", "v1beta1")
_GROUPS = ("networking.istio.io", "security.istio.io", "telemetry.istio.io", "gateway.networking.k8s.io")


def _deprecated(objects: Sequence[Object]) -> Iterator[str]:
    for obj in objects:
        group, _slash, version = str(obj.get("apiVersion", "")).partition("/")
        if group in _GROUPS and version in _OLD and obj.get("kind") not in _ONLY_THERE:
            yield f"{_named(obj)}: {group}/{version} is deprecated; use {group}/v1"


_PLAIN = frozenset({"HTTP", "HTTP2", "GRPC", "MONGO", "MYSQL", "REDIS", "TCP"})


def _plain_external(objects: Sequence[Object]) -> Iterator[str]:
    """A ServiceEntry is external unless it says otherwise; a rule of the same set may add TLS on the way out."""
    secured = {str(spec.get("host")) for _name, spec in _of_kind(objects, "DestinationRule") if _adds_tls(spec)}
    for name, spec in _of_kind(objects, "ServiceEntry"):
        ports = [str(port.get("protocol", "TCP")).upper() for port in _maps(spec.get("ports"))]
        hosts = [str(host) for host in spec.get("hosts") or () if str(host) not in secured]
        plain = [protocol for protocol in ports if protocol in _PLAIN]
        if spec.get("location") != "MESH_INTERNAL" and plain and hosts:
            yield f"{name}: {hosts[0]} is reached in plain text ({plain[0]}); use TLS or HTTPS"


def _adds_tls(spec: Mapping[str, Any]) -> bool:
    of_host = _map(_map(spec.get("trafficPolicy")).get("tls")).get("mode")
    return of_host in ("SIMPLE", "MUTUAL") and "DISABLE" not in _tls_modes(spec)


RULES: tuple[Rule, ...] = (
    Rule("strict-mtls", "Workloads accept mutual TLS only.", _weak_mtls),
    Rule("no-wildcard-hosts", "Gateways name the hosts that they serve.", _wildcards),
    Rule("no-deprecated-apis", "No object is written in a deprecated API version.", _deprecated),
    Rule("no-plain-text-external", "Services outside the mesh are reached with TLS.", _plain_external),
)
