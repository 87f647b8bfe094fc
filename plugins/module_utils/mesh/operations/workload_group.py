# SPDX-License-Identifier: Apache-2.0
"""Workload groups: hosts outside Kubernetes that run the same workload, and the names under which they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.sets import manager
from ..model.specs.workload_group import WorkloadGroupResult, WorkloadGroupSpec
from ..render import workload_group as render
from ..render.injection import namespace
from . import workloads

NAME = "workload_group"


@dataclass(frozen=True)
class Facts:
    """The workloads of the namespace."""

    workloads: Sequence[Object]


def observe(cluster: Reader, spec: WorkloadGroupSpec) -> Facts:
    """Read what decides."""
    return Facts(workloads.entries(cluster, spec.namespace))


def preflight(spec: WorkloadGroupSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """What is declared must fit together; a group goes after its hosts."""
    if state == "absent":
        yield from _still_used(spec, facts)
    if state != "present":
        return
    if spec.probe and len(render.ways(spec.probe)) != 1:
        text = f"must say one of http_get, tcp_socket, grpc and exec, not {len(render.ways(spec.probe))} of them"
        yield Finding("error", MeshError("invalid_option", text, where="probe"))
    for option in ("service", "service_entry"):
        said = getattr(spec, option)
        for name in render.port_names(said.ports) if said else ():
            text = f"more than one is named {name}"
            yield Finding("error", MeshError("invalid_option", text, where=f"{option}.ports"))
    for address in render.addresses(spec):
        text = f"more than one has the address {address}"
        yield Finding("error", MeshError("invalid_option", text, where="entries"))
    if not spec.selector.items() <= render.labels(spec).items():
        text = "selects none of the hosts, as they do not have these labels"
        yield Finding("error", MeshError("invalid_option", text, where="selector"))
    yield from _claimed(spec, facts)


def _claimed(spec: WorkloadGroupSpec, facts: Facts) -> Iterator[Finding]:
    """Two entries of one address would be two endpoints of one host."""
    own = {entry.name for entry in spec.entries}
    others = {workloads.endpoint(obj): obj["metadata"]["name"] for obj in facts.workloads}
    for index, entry in enumerate(spec.entries):
        other = others.get(render.endpoint(spec, entry))
        if other and other not in own:
            text = f"is the address of WorkloadEntry {spec.namespace}/{other}, too"
            hint = "one of them must go, or the host gets twice its share"
            yield Finding("error", MeshError("invalid_option", text, where=f"entries[{index}].address", hint=hint))


def _still_used(spec: WorkloadGroupSpec, facts: Facts) -> Iterator[Finding]:
    connected = [obj for obj in facts.workloads if workloads.group(obj) == spec.name and workloads.connected(obj)]
    if connected:
        shown = ", ".join(sorted(workloads.address(obj) for obj in connected)[:5])
        text = f"{len(connected)} hosts are still in it: {shown}{', ...' if len(connected) > 5 else ''}"
        hint = "let them leave first (role vm_workload, state absent)"
        where = f"WorkloadGroup {spec.namespace}/{spec.name}"
        yield Finding("pending", MeshError("in_use", text, where=where, hint=hint))


def wanted(spec: WorkloadGroupSpec, _facts: Facts) -> list[ObjectSet]:
    """The group and what goes with it."""
    return [_set(spec, tuple(render.objects(spec)))]


def removal(spec: WorkloadGroupSpec, _facts: Facts) -> Removal:
    """The group's set; entries that istiod made belong to the group and go with it."""
    return Removal((_set(spec, ()),))


def _set(spec: WorkloadGroupSpec, objects: tuple[Object, ...]) -> ObjectSet:
    set_id = f"workloadgroup-{spec.namespace}-{spec.name}"
    made = manager(NAME, spec.namespace, spec.name)
    return ObjectSet(set_id, spec.namespace, made, objects, (namespace(spec.namespace, {}),))


def result(spec: WorkloadGroupSpec, _facts: Facts, _live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{service_account, host_names}``."""
    return {"service_account": render.service_account(spec), "host_names": render.host_names(spec)}


WORKLOAD_GROUP: Declarative[WorkloadGroupSpec, Facts] = Declarative(
    name=NAME,
    spec=WorkloadGroupSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=WorkloadGroupResult,
)
