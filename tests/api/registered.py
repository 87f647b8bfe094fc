# SPDX-License-Identifier: Apache-2.0
"""Hosts outside Kubernetes as istiod writes them down when they register themselves."""

from __future__ import annotations

import datetime
import json
from typing import Any

from mesh.kube.cluster import Cluster

GROUP = "networking.istio.io"
CONNECTED, DISCONNECTED = "2026-11-22T06:00:00Z", "2026-11-22T07:00:00Z"


def ago(**parts: float) -> str:
    """A time so long before now, as istiod writes it."""
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(**parts)
    return then.isoformat().replace("+00:00", "000Z")


def register(
    cluster: Cluster,
    namespace: str,
    address: str,
    group: str = "ratings",
    *,
    name: str = "",
    gone: str | bool = False,
    at: str = CONNECTED,
    healthy: bool | None = None,
    message: str = "",
    **spec: Any,
) -> None:
    """The entry of a host; ``gone`` says that (or when) it disconnected, ``at`` when it connected."""
    marks = {"istio.io/autoRegistrationGroup": group, "istio.io/connectedAt": at}
    if gone:
        marks["istio.io/disconnectedAt"] = DISCONNECTED if gone is True else gone
    entry = name or f"{group}-{address.replace(':', '-')}"
    metadata = {"name": entry, "namespace": namespace, "annotations": marks}
    kind = {"apiVersion": f"{GROUP}/v1", "kind": "WorkloadEntry", "metadata": metadata}
    cluster.apply({**kind, "spec": {"address": address, "serviceAccount": group, **spec}}, "istiod", force=True)
    if healthy is None:
        return
    condition = {"type": "Healthy", "status": str(healthy), "message": message}
    path = cluster.resource_of(kind).path(namespace, entry)
    body = json.dumps({"status": {"conditions": [condition]}}).encode()
    cluster.transport.request("PATCH", f"{path}/status", body=body, content_type="application/merge-patch+json")
