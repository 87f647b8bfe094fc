# SPDX-License-Identifier: Apache-2.0
"""Hosts outside Kubernetes as the control plane sees them; and waiting until it sees what should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..apply.waiting import Deadline
from ..model.addresses import canonical
from ..model.errors import MeshError
from ..model.objects import Object
from ..model.operation import Examiner, Query
from ..model.specs.workload_info import WorkloadInfoResult, WorkloadInfoSpec
from . import workloads

NAME = "workload_info"
_PAUSE, _LONGEST_PAUSE, _TELL = 0.25, 2.0, 5.0


def answer(cluster: Examiner, spec: WorkloadInfoSpec) -> dict[str, Any]:
    """What :class:`WorkloadInfoResult` says; raises MeshError ``not_ready`` when what is expected does not come."""
    found = _awaited(cluster, spec) if spec.expect else _found(cluster, spec)
    groups = cluster.list(workloads.NETWORKING, "WorkloadGroup", spec.namespace or "")
    names = sorted(f"{obj['metadata']['namespace']}/{obj['metadata']['name']}" for obj in groups)
    return {"workloads": [workloads.told(entry) for entry in found], "groups": names}


def _found(cluster: Examiner, spec: WorkloadInfoSpec) -> list[Object]:
    asked = {canonical(address) for address in spec.addresses}
    meant = [
        entry
        for entry in workloads.entries(cluster, spec.namespace or "")
        if spec.group in (None, workloads.group(entry)) and (not asked or canonical(workloads.address(entry)) in asked)
    ]
    return sorted(meant, key=lambda entry: (entry["metadata"]["namespace"], entry["metadata"]["name"]))


def _awaited(cluster: Examiner, spec: WorkloadInfoSpec) -> list[Object]:
    if not spec.addresses:
        raise MeshError("invalid_option", "is required with expect", where="addresses")
    deadline, pause, told = Deadline(spec.wait_timeout), _PAUSE, 0.0
    while True:
        found = _found(cluster, spec)
        lacking = _lacking(spec, found)
        if not lacking:
            return found
        if not deadline.left:
            what = "joined" if spec.expect == "present" else "left"
            count = f"{len(lacking)} of {len(spec.addresses)} hosts have not {what}"
            text = f"{count} after {spec.wait_timeout} s: {lacking[0]}"
            raise MeshError("not_ready", text, hint=_HINTS[spec.expect or "present"])
        if deadline.elapsed - told > _TELL:
            told = deadline.elapsed
            cluster.tell(f"waiting for {len(lacking)} of {len(spec.addresses)} hosts, {told:.0f} s: {lacking[0]}")
        cluster.pause(min(pause, deadline.left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


_HINTS = {
    "present": "look at /var/log/istio on the host, and at istiod's log",
    "absent": "is the agent stopped there? istiod forgets it after its grace period (10 s), but after up to 45 minutes "
    "where the istiod is gone that it was connected to",
}


def _lacking(spec: WorkloadInfoSpec, found: Sequence[Object]) -> list[str]:
    """For each host that is not as expected, what is missing."""
    by_address = {canonical(workloads.address(entry)): entry for entry in found}
    if spec.expect == "absent":
        items = sorted(by_address.items())
        return [f"{address} still has WorkloadEntry {entry['metadata']['name']}" for address, entry in items]
    return [text for address in spec.addresses if (text := short_of(address, by_address.get(canonical(address))))]


def short_of(address: str, entry: Object | None) -> str:
    """What a host lacks to be in the mesh, of its WorkloadEntry; nothing where it is."""
    if entry is None:
        return f"{address} has no WorkloadEntry"
    item = workloads.told(entry)
    if not item["connected"] and item["group"]:
        return f"{address} is not connected since {item['since']}"
    if item["healthy"] is None and workloads.probed(entry):
        return f"{address} is connected, and has not said yet whether it is healthy"
    return f"{address} is unhealthy: {item['message']}" if item["healthy"] is False else ""


WORKLOAD_INFO: Query[WorkloadInfoSpec] = Query(NAME, WorkloadInfoSpec, answer, WorkloadInfoResult)
