# SPDX-License-Identifier: Apache-2.0
"""What WorkloadEntries tell of hosts outside Kubernetes; istiod writes those of hosts that register themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..model.objects import Object, annotations_of, labels_of
from ..model.operation import Reader
from ..model.permissions import Permission

NETWORKING = "networking.istio.io/v1"
#: What one must be allowed to do to see the hosts of all namespaces.
LIST = Permission("list", "networking.istio.io", "workloadentries")
#: Annotations of istiod's auto registration (istio.io/api, annotations of WorkloadEntry).
_GROUP, _CONNECTED, _DISCONNECTED = (
    "istio.io/autoRegistrationGroup",
    "istio.io/connectedAt",
    "istio.io/disconnectedAt",
)
_PROBED = "proxy.istio.io/health-checks-enabled"


def entries(cluster: Reader, namespace: str = "") -> Sequence[Object]:
    """The WorkloadEntries of a namespace, or of all."""
    return cluster.list(NETWORKING, "WorkloadEntry", namespace)


def group(entry: Object) -> str:
    """The group in which the host registered itself; nothing for a static entry."""
    return annotations_of(entry).get(_GROUP, "")


def connected(entry: Object) -> bool:
    """Whether the host's agent is connected to istiod."""
    return _CONNECTED in annotations_of(entry) and _DISCONNECTED not in annotations_of(entry)


def probed(entry: Object) -> bool:
    """Whether the host tells how a probe of its group goes; it does so some time after it has connected."""
    return annotations_of(entry).get(_PROBED) == "true"


def since(entry: Object) -> str:
    """When that last changed, as istiod wrote it (RFC 3339); nothing for a static entry."""
    marks = annotations_of(entry)
    return marks.get(_DISCONNECTED) or marks.get(_CONNECTED, "")


def address(entry: Object) -> str:
    """Its address; nothing where only its network is known."""
    return str(entry["spec"].get("address", ""))


def told(entry: Object) -> dict[str, Any]:
    """What :class:`Workload` says."""
    spec, health = entry["spec"], _health(entry)
    return {
        "namespace": entry["metadata"]["namespace"],
        "name": entry["metadata"]["name"],
        "group": group(entry),
        "address": address(entry),
        "network": str(spec.get("network") or ""),
        "cluster": (spec.get("labels") or labels_of(entry)).get(_CLUSTER, ""),
        "locality": str(spec.get("locality") or ""),
        "service_account": str(spec.get("serviceAccount") or ""),
        "labels": spec.get("labels") or {},
        "connected": connected(entry),
        "healthy": {"True": True, "False": False}.get(str(health.get("status"))),
        "message": str(health.get("message") or ""),
        "since": since(entry),
    }


#: Where istiod puts the cluster of a host among the labels of its entry.
_CLUSTER = "topology.istio.io/cluster"


def _health(entry: Object) -> Mapping[str, Any]:
    conditions = (entry.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == "Healthy"), {})
