# SPDX-License-Identifier: Apache-2.0
"""Why a Service of type LoadBalancer has no address: what its controller says, or that it has none."""

from __future__ import annotations

from typing import Any

from ..kube.cluster import Cluster
from ..kube.failures import plain
from ..model.objects import Object
from ..model.sets import MANAGER
from .readiness import NO_CONTROLLER, Status, addresses

_WARNING = "Warning"
#: Who makes Services: we, and istiod for a Gateway of the Gateway API.
_MAKERS = (MANAGER.rstrip("/"), "istio.io/")
#: How those are called who write Events about Services and give none an address: parts of Kubernetes, and judges.
_OTHERS = ("endpoint-", "gatekeeper", "ipallocator-", "kube-proxy", "kyverno", "portallocator-")


def of_service(cluster: Cluster, service: Object) -> Status | None:
    """What its controller told last. Where no controller shows, in this Service or in any other, waiting is of no use:
    also those that take minutes say at once that they have begun."""
    if service["spec"].get("type") != "LoadBalancer":
        return None
    told = [event for event in cluster.events_about(service) if not _component(event).startswith(_OTHERS)]
    if told:
        last = max(told, key=_when)
        text = plain(f"{last.get('reason', '')}: {last.get('message', '')}").strip(": ")
        return Status(False, text, failed=last.get("type") == _WARNING)
    if _touched(service) or _served(cluster, service):
        return None
    return Status(False, "no load balancer controller has taken notice of it", failed=True, hint=NO_CONTROLLER)


def _component(event: Object) -> str:
    return str((event.get("source") or {}).get("component") or event.get("reportingComponent") or "")


def _when(event: Object) -> tuple[str, bool]:
    """By the second. A failure within the second in which its attempt began comes after that."""
    series: dict[str, Any] = event.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("eventTime"),
        event.get("firstTimestamp"),
        event["metadata"].get("creationTimestamp"),
    )
    return max(str(time or "")[: len("2026-01-01T00:00:00")] for time in times), event.get("type") == _WARNING


def _touched(service: Object) -> bool:
    """Whether somebody else than its maker has a finalizer, an annotation, a condition or any other field on it."""
    managers = (str(entry.get("manager", "")) for entry in service["metadata"].get("managedFields") or ())
    others = any(not manager.startswith(_MAKERS) for manager in managers)
    return others or bool(service["metadata"].get("finalizers"))


def _served(cluster: Cluster, service: Object) -> bool:
    """Whether any Service of this class got an address: then there is a controller."""
    wanted = service["spec"].get("loadBalancerClass")
    return any(
        addresses(other)
        for other in cluster.list("v1", "Service")
        if other["spec"].get("type") == "LoadBalancer" and other["spec"].get("loadBalancerClass") == wanted
    )
