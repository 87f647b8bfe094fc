# SPDX-License-Identifier: Apache-2.0
"""Proof that a mesh works, hop by hop: who configures, who injects, who is injected, who lets in, what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.objects import Object
from ..model.operation import Examiner, Query
from ..model.permissions import Permission
from ..model.specs.mesh_info import MeshInfoSpec
from ..model.specs.mesh_verify import MeshVerifyResult, MeshVerifySpec
from . import discovery, mtls, workloads
from .mesh_info import look
from .proofs import injection_works, validation_works


class Evidence(NamedTuple):
    """One thing that was looked at or tried."""

    hop: str
    about: str
    passed: bool
    text: str


def answer(cluster: Examiner, spec: MeshVerifySpec) -> dict[str, Any]:
    """``{healthy, broken, evidence}``."""
    injectors, pods = discovery.injectors(cluster), discovery.pods(cluster)
    found = look(cluster, MeshInfoSpec(namespace=spec.namespace, namespaces=spec.namespaces), injectors, pods)
    # Where a control plane is outside the cluster, its injector is all that is here.
    elsewhere = discovery.revisions_of(injectors) - {item["revision"] for item in found["revisions"]}
    there = elsewhere | {item["revision"] for item in found["revisions"]}
    evidence = [
        *_control_planes(cluster, spec, found["revisions"], sorted(elsewhere)),
        *_tags(found, there),
        *_proxies(found, there),
        *_workloads(spec, found["workloads"]),
        *_gateways(spec, found["gateways"]),
        *(_plain_text(cluster, spec, injectors, pods) if spec.plain_text else ()),
    ]
    broken = next((f"{item.hop}: {item.about}: {item.text}" for item in evidence if not item.passed), "")
    return {"healthy": not broken, "broken": broken, "evidence": [item._asdict() for item in evidence]}


def _control_planes(
    cluster: Examiner, spec: MeshVerifySpec, revisions: Sequence[Mapping[str, Any]], elsewhere: Sequence[str]
) -> Iterator[Evidence]:
    there = {item["revision"]: item for item in revisions}
    wanted = spec.revisions or [*there, *elsewhere]
    places = f"namespace {', '.join(discovery.places(spec.namespace, spec.namespaces))}"
    if not wanted:
        yield Evidence("control-plane", places, False, "has no istiod")
    for revision in wanted:
        about, item = f"revision {revision}", there.get(revision)
        if item is None and revision in elsewhere:
            yield Evidence("control-plane", about, True, f"runs outside {places}; its injector is here")
            yield from _tried(cluster, spec.namespace, revision)
            continue
        if item is None:
            yield Evidence("control-plane", about, False, "is not installed")
            continue
        ready = bool(item["ready"])
        text = f"Istio {item['version']}, {item['proxies']} proxies" if ready else str(item["reason"])
        yield Evidence("control-plane", about, ready, text)
        yield from _tried(cluster, item["namespace"], revision)


def _tried(cluster: Examiner, namespace: str, revision: str) -> Iterator[Evidence]:
    """Injection and validation, each by a dry run."""
    proven = {
        "injection": (injection_works(revision, namespace), "a new pod comes back with a proxy"),
        "validation": (validation_works(revision), "a malformed object is refused"),
    }
    for hop, (proof, text) in proven.items():
        reason = proof.probe(cluster)
        yield Evidence(hop, f"revision {revision}", reason is None, reason or text)


def _tags(found: Mapping[str, Any], there: Collection[str]) -> Iterator[Evidence]:
    for item in found["tags"]:
        known = item["revision"] in there
        text = f"stands for revision {item['revision']}" + ("" if known else ", which is not installed")
        yield Evidence("tag", f"tag {item['tag']}", known, text)


def _proxies(found: Mapping[str, Any], there: Collection[str]) -> Iterator[Evidence]:
    """Every proxy has somebody who configures it."""
    orphans = [item for item in found["proxies"] if item["revision"] not in there]
    for item in orphans:
        text = f"its revision {item['revision']} is not installed"
        yield Evidence("proxies", f"pod {item['namespace']}/{item['name']}", False, text)
    if found["proxies"] and not orphans:
        text = f"{len(found['proxies'])} proxies, each of a revision that is there"
        yield Evidence("proxies", "all namespaces", True, text)


def _workloads(spec: MeshVerifySpec, hosts: Iterable[Mapping[str, Any]]) -> Iterator[Evidence]:
    """Hosts outside Kubernetes: each that is connected does its work, and each group that must have some has some."""
    connected = [item for item in hosts if item["connected"]]
    counts = Counter(name for item in connected for name in (item["group"], f"{item['namespace']}/{item['group']}"))
    for name in spec.workload_groups:
        count = counts[name]
        text = f"connected hosts: {count}" if count else "has no connected host"
        yield Evidence("workloads", f"group {name}", bool(count), text)
    unhealthy = [item for item in connected if item["healthy"] is False]
    for item in unhealthy:
        text = f"its probe fails: {item['message'] or 'it gives no reason'}"
        yield Evidence("workloads", f"host {item['namespace']}/{item['name']}", False, text)
    if connected and not unhealthy:
        yield Evidence("workloads", "all namespaces", True, f"connected hosts: {len(connected)}, none unhealthy")


def _gateways(spec: MeshVerifySpec, gateways: Sequence[Mapping[str, Any]]) -> Iterator[Evidence]:
    there = {name for item in gateways for name in (item["name"], f"{item['namespace']}/{item['name']}")}
    for name in spec.gateways:
        if name not in there:
            yield Evidence("gateway", f"gateway {name}", False, "has no Service")
    for item in gateways:
        lacks = item["type"] == "LoadBalancer" and not item["addresses"]
        where = ", ".join(item["addresses"]) or f"Service of type {item['type']}"
        text = "no address: does a controller serve Services of type LoadBalancer?" if lacks else where
        yield Evidence("gateway", f"gateway {item['namespace']}/{item['name']}", not lacks, text)


def _plain_text(
    cluster: Examiner, spec: MeshVerifySpec, injectors: Iterable[Object], pods: Iterable[Object]
) -> Iterator[Evidence]:
    """Where mTLS is required, a plain request is turned away."""
    roots = discovery.roots_of(injectors)

    def root_of(pod: Object) -> str:
        return roots.get(discovery.revision_of(pod), spec.namespace)

    for namespace, candidate in mtls.candidates(mtls.policies_of(cluster), pods, root_of).items():
        about = f"namespace {namespace}"
        if candidate is None:
            yield Evidence("mtls", about, True, "mTLS is required; no running pod tells a port to try it on")
            continue
        name, port = candidate
        told = cluster.plain_get(namespace, name, port)
        yield Evidence("mtls", f"pod {namespace}/{name} port {port}", told.refused, told.text)


def needs(spec: MeshVerifySpec) -> list[Permission]:
    """Which pods there will be to call, nobody knows before; nor whether hosts come."""
    return [workloads.LIST, *([Permission("get", "", "pods/proxy")] if spec.plain_text else [])]


MESH_VERIFY: Query[MeshVerifySpec] = Query("mesh_verify", MeshVerifySpec, answer, MeshVerifyResult, needs)
