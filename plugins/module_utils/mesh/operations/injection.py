# SPDX-License-Identifier: Apache-2.0
"""How the pods of namespaces join the mesh: a label, and whether somebody answers to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, labels_of
from ..model.operation import Declarative, Finding, Prober, Reader, Removal, Restart, State
from ..model.sets import DEFAULT_REVISION, manager
from ..model.specs.injection import InjectionResult, InjectionSpec
from ..plan.compare import owned_fields
from ..render.injection import LABELS, namespace, policy, wanted_labels
from . import discovery, staleness

NAME = "injection"
#: The set has no members, only labels on namespaces; this id marks namespaces that it created.
SET = "injection"


@dataclass(frozen=True)
class Facts:
    """The namespaces as they are, all injectors, the proxies in these namespaces, and control planes' versions."""

    namespaces: Mapping[str, Object]
    injectors: Sequence[Object]
    proxies: Sequence[Mapping[str, str]]
    versions: Mapping[str, str]


def observe(cluster: Reader, spec: InjectionSpec) -> Facts:
    """Read what decides."""
    found = {name: cluster.get("v1", "Namespace", "", name) for name in spec.namespaces}
    proxies = [proxy for proxy in discovery.proxies(cluster) if proxy["namespace"] in found]
    there = {name: obj for name, obj in found.items() if obj is not None}
    injectors = discovery.injectors(cluster)
    return Facts(there, injectors, proxies, discovery.versions(cluster, injectors) if proxies else {})


def preflight(spec: InjectionSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """Somebody must answer to the label, and no other label may contradict it."""
    if state != "present":
        return
    if spec.mode == "sidecar" and not _answered(spec, facts):
        text = "no revision or tag of that name is installed"
        hint = "apply the control plane or the tag first"
        yield Finding("pending", MeshError("missing_dependency", text, where=f"revision {spec.revision}", hint=hint))
    for name, labels in _contradicting(spec, facts).items():
        for label in sorted(labels):
            text = f"has label {label}={labels_of(facts.namespaces[name])[label]}, which contradicts mode {spec.mode}"
            hint = f"set adopt to have it removed, or kubectl label namespace {name} {label}-"
            yield Finding("foreign", MeshError("foreign_owner", text, where=f"Namespace {name}", hint=hint))


def _contradicting(spec: InjectionSpec, facts: Facts) -> dict[str, frozenset[str]]:
    """Namespace -> labels of others that decide otherwise."""
    found = {
        name: frozenset(
            label
            for label in LABELS
            if label in labels_of(obj) and label not in wanted_labels(spec) and not _ours(obj, label)
        )
        for name, obj in facts.namespaces.items()
    }
    return {name: labels for name, labels in found.items() if labels}


def _answered(spec: InjectionSpec, facts: Facts) -> bool:
    if spec.revision == DEFAULT_REVISION:
        return any(discovery.answers_by_default(obj) for obj in facts.injectors)
    return discovery.resolve(facts.injectors, spec.revision) is not None


def _ours(obj: Object, label: str) -> bool:
    fields = owned_fields(obj, manager(NAME)) or {}
    return f"f:{label}" in fields.get("f:metadata", {}).get("f:labels", {})


def wanted(spec: InjectionSpec, facts: Facts) -> list[ObjectSet]:
    """One label per namespace, and none that contradicts it."""
    others = {
        Ref("", "Namespace", "", name): frozenset(("f:metadata", "f:labels", f"f:{label}") for label in labels)
        for name, labels in _contradicting(spec, facts).items()
    }
    return [replace(_set(spec, wanted_labels(spec)), contradicting=others)]


def removal(spec: InjectionSpec, _facts: Facts) -> Removal:
    """The labels go; a namespace goes only if this created it and nothing is in it."""
    return Removal((_set(spec, {}),))


def _set(spec: InjectionSpec, wanted_: dict[str, str]) -> ObjectSet:
    fields = tuple(namespace(name, wanted_) for name in spec.namespaces)
    return ObjectSet(SET, "default", manager(NAME), fields=fields, recorded=False)


def left(before: InjectionSpec, after: InjectionSpec) -> InjectionSpec | None:
    """Namespaces that are named no more."""
    gone = [name for name in before.namespaces if name not in after.namespaces]
    return replace(before, namespaces=gone) if gone else None


def recovered(spec: InjectionSpec, live: Iterable[Object]) -> InjectionSpec:
    """With what the labels say; of namespaces with different ones nothing can be said in one piece."""
    found = {obj["metadata"]["name"]: policy(labels_of(obj)) for obj in live}
    for name in spec.namespaces:
        if name not in found:
            raise MeshError("missing_dependency", "there is no such namespace", where=f"Namespace {name}")
    if len({*found.values()}) > 1:
        told = ", ".join(f"{name}: {mode} by {revision}" for name, (mode, revision) in sorted(found.items()))
        hint = "import them one by one"
        raise MeshError("invalid_option", f"have different policies ({told})", where="namespaces", hint=hint)
    mode, revision = found[spec.namespaces[0]]
    return replace(spec, mode=mode, revision=revision)


def result(spec: InjectionSpec, facts: Facts, _live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{revision, stale}``: what the label resolves to, and pods that still have another proxy."""
    revision = discovery.resolve(facts.injectors, spec.revision) or spec.revision
    version = facts.versions.get(revision, "")
    stale = [
        f"{proxy['namespace']}/{proxy['name']}"
        for proxy in facts.proxies
        if proxy["revision"] != revision or (version and proxy["version"] not in ("", version))
    ]
    return {"revision": revision, "stale": sorted(stale) if spec.mode == "sidecar" else []}


def restarts(cluster: Prober, spec: InjectionSpec, facts: Facts, state: State, settled: bool) -> list[Restart]:
    """Workloads with another proxy than these labels, or their absence, give; by trying, once that is so."""
    there = [name for name in spec.namespaces if name in facts.namespaces]
    if not spec.restart:
        return []
    if settled:
        return staleness.due(cluster, there)
    return staleness.foreseen(cluster, there, lambda workload: _foreseen(spec, facts, state, workload))


def _foreseen(spec: InjectionSpec, facts: Facts, state: State, workload: Object) -> str | None:
    """The revision that will inject a workload's pods; they may ask for one by labels of their own, where those of the
    namespace let them."""
    live = facts.namespaces[workload["metadata"]["namespace"]]
    kept = {
        label: value
        for label, value in labels_of(live).items()
        if label not in LABELS or (state == "absent" and not _ours(live, label))
    }
    labels = {**kept, **(wanted_labels(spec) if state == "present" else {})}
    answering = discovery.answering(facts.injectors, labels, labels_of(workload["spec"]["template"]))
    if answering is None and spec.mode == "sidecar" and state == "present":
        return discovery.resolve(facts.injectors, spec.revision) or spec.revision
    return answering


INJECTION: Declarative[InjectionSpec, Facts] = Declarative(
    name=NAME,
    spec=InjectionSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=InjectionResult,
    left=left,
    recovered=recovered,
    states=("present", "absent"),
    restarts=restarts,
    at_once=lambda spec: spec.restart_at_once,
    needs=lambda spec: staleness.needs(spec.namespaces) if spec.restart else (),
)
