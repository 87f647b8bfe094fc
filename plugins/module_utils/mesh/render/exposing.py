# SPDX-License-Identifier: Apache-2.0
"""What a gateway lets in from outside the cluster: istiod for hosts and remote clusters, Services for other networks
(istio.io, "Virtual Machine Installation" and "Install Multi-Primary on different networks")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..model.objects import Object
from ..model.sets import suffix
from ..model.specs.gateway import GatewayPort, GatewaySpec

_NETWORKING = "networking.istio.io/v1"
#: Port of the gateway -> name, and port of istiod's Service behind it.
_ISTIOD = {15012: ("tls-istiod", 15012), 15017: ("tls-webhook", 443)}
_SERVICES = 15443
#: Ports of a Service of which the chart does not know that it leads to istiod.
PORTS = tuple(
    GatewayPort(name=name, port=port)
    for port, name in {15021: "status-port", **{port: name for port, (name, _behind) in _ISTIOD.items()}}.items()
)


def objects(spec: GatewaySpec, planes: Mapping[str, str]) -> Iterator[Object]:
    """Gateways and routes; ``planes`` are revisions and the namespaces of their control planes."""
    if "istiod" in spec.expose:
        servers = [_server(port, name, {"mode": "PASSTHROUGH"}, "*") for port, (name, _behind) in _ISTIOD.items()]
        yield _object("Gateway", spec, "istiod", {"selector": _selector(spec), "servers": servers})
        routes = [_route(port, revision, space) for revision, space in sorted(planes.items()) for port in _ISTIOD]
        if routes:
            body = {"hosts": ["*"], "gateways": [f"{spec.name}-istiod"], "tls": routes}
            yield _object("VirtualService", spec, "istiod", body)
    if "services" in spec.expose:
        server = _server(_SERVICES, "tls", {"mode": "AUTO_PASSTHROUGH"}, "*.local")
        yield _object("Gateway", spec, "services", {"selector": _selector(spec), "servers": [server]})


def _selector(spec: GatewaySpec) -> dict[str, str]:
    return {"istio": {"istio": spec.name, **spec.labels}["istio"]}


def _object(kind: str, spec: GatewaySpec, what: str, body: Mapping[str, Any]) -> Object:
    metadata = {"name": f"{spec.name}-{what}", "namespace": spec.namespace}
    return {"apiVersion": _NETWORKING, "kind": kind, "metadata": metadata, "spec": dict(body)}


def _server(port: int, name: str, tls: Mapping[str, str], host: str) -> dict[str, Any]:
    return {"port": {"number": port, "name": name, "protocol": "TLS"}, "tls": dict(tls), "hosts": [host]}


def _route(port: int, revision: str, namespace: str) -> dict[str, Any]:
    """By the name that a client wants to see in istiod's certificate; a revision has its own."""
    name = f"istiod{suffix(revision)}.{namespace}.svc"
    behind = {"host": f"{name}.cluster.local", "port": {"number": _ISTIOD[port][1]}}
    return {"match": [{"port": port, "sniHosts": [name, f"{name}.cluster.local"]}], "route": [{"destination": behind}]}
