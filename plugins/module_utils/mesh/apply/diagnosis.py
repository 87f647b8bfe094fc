# SPDX-License-Identifier: Apache-2.0
"""Why a workload is not ready: what its pods say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..kube.cluster import Cluster
from ..model.objects import Object
from .readiness import Status

#: Waiting reasons of containers that do not mend themselves within a run.
_HOPELESS = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CrashLoopBackOff"}
)
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def of_workload(cluster: Cluster, obj: Object) -> Status | None:
    """What the pods of a workload complain about, or None when they are silent (or obj is no workload)."""
    if obj["kind"] not in _WORKLOADS:
        return None
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
            yield Status(False, f"pod {name}: {condition.get('message', 'unschedulable')}", failed=True)
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason") in _HOPELESS:
            text = f"{waiting['reason']}: {waiting.get('message', '')}".strip(": ")
            yield Status(False, f"pod {name}, container {container['name']}: {text}", failed=True)
