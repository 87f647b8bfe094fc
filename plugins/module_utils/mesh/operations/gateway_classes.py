# SPDX-License-Identifier: Apache-2.0
"""Whether a Gateway of the Gateway API would find somebody who runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.errors import MeshError
from ..model.objects import Object
from ..model.operation import Finding, Reader
from ..model.permissions import Permission
from ..render.gateway_resource import API_VERSION

#: By this label istiod marks what it makes of a Gateway.
_GATEWAY = "gateway.networking.k8s.io/gateway-name"
#: What istiod must have on to make a class of its own accord.
_NEEDS = {
    "istio-waypoint": "ambient must be on (profile ambient)",
    "istio-east-west": "ambient and AMBIENT_ENABLE_MULTI_NETWORK must be on",
}


class Classes(NamedTuple):
    """Whether the definitions are there, and the names of the classes."""

    served: bool = False
    names: frozenset[str] = frozenset()


def observe(cluster: Reader, asked: bool) -> Classes:
    """Read what is there, where it matters."""
    if not asked or f"{API_VERSION}/Gateway" not in cluster.api_versions:
        return Classes()
    return Classes(True, frozenset(obj["metadata"]["name"] for obj in cluster.list(API_VERSION, "GatewayClass")))


def lacking(classes: Classes, wanted: str) -> Iterator[Finding]:
    """What is missing for a Gateway of this class."""
    if not classes.served:
        text, hint = "its definitions are not installed", "apply gateway_api first"
        yield Finding("pending", MeshError("missing_dependency", text, where="Gateway API", hint=hint))
    elif wanted not in classes.names:
        # istiod makes its classes a moment after it finds the definitions: the wait tells whether it did.
        text, hint = "is not there yet", f"istiod makes it: {_NEEDS.get(wanted, 'it must be running')}"
        yield Finding("warning", MeshError("missing_dependency", text, where=f"GatewayClass {wanted}", hint=hint))


def workloads(cluster: Reader, namespace: str, name: str) -> Sequence[Object]:
    """The Deployments that run a Gateway's proxies: it is programmed as soon as they are made."""
    return cluster.list("apps/v1", "Deployment", namespace, f"{_GATEWAY}={name}")


def pods(cluster: Reader, namespace: str, name: str) -> Sequence[Object]:
    """A Gateway's proxies: they still speak with istiod when their Gateway has gone."""
    return cluster.list("v1", "Pod", namespace, f"{_GATEWAY}={name}")


def needs(namespace: str) -> Iterator[Permission]:
    """What it takes to wait for them, and until they are gone."""
    yield from (Permission(verb, "apps", "deployments", namespace) for verb in ("list", "watch"))
    yield from (Permission(verb, "", "pods", namespace) for verb in ("get", "list"))


def addresses(gateway: Mapping[str, Any]) -> list[str]:
    """Where a Gateway says that it is reached."""
    return [item["value"] for item in gateway.get("status", {}).get("addresses") or ()]
