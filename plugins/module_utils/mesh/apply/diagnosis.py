# SPDX-License-Identifier: Apache-2.0
"""Why something is not ready: what others say of it, as far as one may look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure, plain
from ..model.objects import GroupKind, Object, ref
from .load_balancers import of_service
from .readiness import Status, status_of

#: Waiting reasons of containers that do not mend themselves within a run.
_HOPELESS = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CrashLoopBackOff"}
)


def diagnose(cluster: Cluster, obj: Object) -> Status | None:
    """What is known of an object that is not ready, beyond its own status. None where nobody says anything, or where
    the credentials may not look."""
    look = _LOOKS.get(ref(obj).group_kind)
    try:
        return look(cluster, obj) if look else None
    except ApiFailure as error:
        if error.status == 403:
            return None
        raise


def _of_workload(cluster: Cluster, obj: Object) -> Status | None:
    """What the pods of a workload complain about."""
    wanted = obj["spec"]["selector"].get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in wanted.items())
    pods = cluster.list("v1", "Pod", obj["metadata"]["namespace"], selector)
    complaints = [complaint for pod in pods for complaint in _complaints(pod)]
    return max(complaints, key=lambda status: status.failed, default=None)


def _complaints(pod: Mapping[str, Any]) -> Iterator[Status]:
    name = pod["metadata"]["name"]
    status = pod.get("status", {})
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            yield Status(False, f"pod {name}: {plain(condition.get('message', 'unschedulable'))}", failed=True)
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in _HOPELESS:
            text = plain(f"{waiting['reason']}: {waiting.get('message', '')}").strip(": ")
            yield Status(False, f"pod {name}, container {container['name']}: {text}", failed=True)


def _of_gateway(cluster: Cluster, gateway: Object) -> Status | None:
    """What keeps a Gateway from being programmed: nobody who runs its class, its pods, its Service."""
    wanted = gateway["spec"]["gatewayClassName"]
    if cluster.get(gateway["apiVersion"], "GatewayClass", "", wanted) is None:
        return Status(False, f"there is no GatewayClass {wanted}", failed=True, hint=_CLASSES)
    namespace, name = gateway["metadata"]["namespace"], gateway["metadata"]["name"]
    made = f"gateway.networking.k8s.io/gateway-name={name}"
    pods = cluster.list("v1", "Pod", namespace, made)
    complaints = [complaint for pod in pods for complaint in _complaints(pod)]
    services = cluster.list("v1", "Service", namespace, made)
    pending = [service for service in services if not status_of(service).ready]
    complaints += [status for service in pending if (status := of_service(cluster, service))]
    return max(complaints, key=lambda status: status.failed, default=None)


_CLASSES = "istiod makes its own: it must run, and for waypoints have ambient on"

_LOOKS: dict[GroupKind, Callable[[Cluster, Object], Status | None]] = {
    GroupKind("apps", "Deployment"): _of_workload,
    GroupKind("apps", "StatefulSet"): _of_workload,
    GroupKind("apps", "DaemonSet"): _of_workload,
    GroupKind("", "Service"): of_service,
    GroupKind("gateway.networking.k8s.io", "Gateway"): _of_gateway,
}
