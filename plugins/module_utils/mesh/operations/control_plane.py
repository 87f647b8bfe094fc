# SPDX-License-Identifier: Apache-2.0
"""The control plane: base, cni and ztunnel once per cluster, istiod once per revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..apply.inventory import SET_LABEL, VERSION
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, annotations_of, labels_of, ref
from ..model.operation import Declarative, Finding, Proof, Reader, Removal, State
from ..model.sets import DEFAULT_REVISION, applyset_id, manager
from ..model.specs.control_plane import ControlPlaneResult, ControlPlaneSpec
from ..plan.owners import PART_OF
from ..render import charts, helm
from ..render.control_plane import (
    Release,
    proves_injection,
    proves_validation,
    releases,
    warnings,
)
from ..render.manifests import Target, render
from . import discovery, support
from .proofs import injection_works, validation_works

NAME = "control_plane"
#: Sets that exist once per cluster and go with the last revision.
SHARED = ("base", "cni", "ztunnel")


@dataclass(frozen=True)
class Facts:
    """What of the cluster matters to a control plane."""

    target: Target
    #: Inventories of our control planes by set id (``base``, ``istiod-<revision>``, ...).
    inventories: Mapping[str, Object]
    injectors: tuple[Object, ...]
    definitions: tuple[Object, ...]
    #: Pods with a proxy of this revision, as ``namespace/name``; looked up only where it decides.
    proxies: Callable[[], tuple[str, ...]]
    #: What istiod left in its namespace; looked up only for a removal.
    leftovers: Callable[[], tuple[Ref, ...]]
    #: Deployments of istiod in its namespace; looked up only for a removal.
    istiods: Callable[[], tuple[Object, ...]]
    #: Tags that point at this revision.
    tags: tuple[str, ...]
    #: The network that the control plane's namespace is labelled with; looked up only where others may have said it.
    network: Callable[[], str]


def observe(cluster: Reader, spec: ControlPlaneSpec) -> Facts:
    """Read what decides."""
    inventories = cluster.list("v1", "ConfigMap", spec.namespace, SET_LABEL)
    injectors = discovery.injectors(cluster)
    return Facts(
        target=Target(cluster.server_version, cluster.api_versions),
        inventories={labels_of(obj)[SET_LABEL]: obj for obj in inventories},
        injectors=tuple(injectors),
        definitions=tuple(support.gateway_api_definitions(cluster)),
        proxies=lambda: tuple(discovery.proxies_of(cluster, spec.revision)),
        leftovers=lambda: tuple(discovery.leftovers(cluster, spec.namespace)),
        istiods=lambda: tuple(discovery.istiods(cluster, spec.namespace)),
        tags=tuple(discovery.tags_of(injectors, spec.revision)),
        network=lambda: labels_of(cluster.get("v1", "Namespace", "", spec.namespace) or {}).get(_NETWORK, ""),
    )


def preflight(spec: ControlPlaneSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """What speaks against it, before anything is written."""
    if state == "absent":
        yield from _in_use(spec, facts)
    if state != "present":
        return
    for text in warnings(spec):
        yield Finding("warning", MeshError("invalid_option", text))
    renamed = spec.values.get("revision")
    if renamed is not None and (renamed or DEFAULT_REVISION) != spec.revision:
        text = f"is {renamed!r}, but the revision is {spec.revision!r}"
        yield Finding("error", MeshError("invalid_option", text, where="values.revision", hint="use revision"))
    if spec.profile == "remote" and not (spec.remote_address or spec.values):
        yield Finding("error", MeshError("invalid_option", "is required by profile remote", where="remote_address"))
    version = _version(spec)
    yield from support.kubernetes(version, facts.target.kube_version)
    yield from support.gateway_api(version, facts.definitions)
    installed = annotations_of(facts.inventories.get(f"istiod-{spec.revision}", {})).get(VERSION, "")
    yield from support.step(installed, version, spec.revision, allowed=spec.allow_version_jump)
    yield from _webhook_conflict(spec, facts)


def _in_use(spec: ControlPlaneSpec, facts: Facts) -> Iterator[Finding]:
    where = f"revision {spec.revision}"
    if facts.tags:
        text = f"is still tagged {', '.join(facts.tags)}"
        yield Finding("pending", MeshError("in_use", text, where=where, hint="move or remove the tags first"))
    proxies = facts.proxies()
    if proxies:
        shown = ", ".join(proxies[:5]) + (f" and {len(proxies) - 5} more" if len(proxies) > 5 else "")
        text = f"still has {len(proxies)} connected proxies: {shown}"
        hint = "move these workloads to another revision, or remove them"
        yield Finding("pending", MeshError("in_use", text, where=where, hint=hint))


def _webhook_conflict(spec: ControlPlaneSpec, facts: Facts) -> Iterator[Finding]:
    """Another injector that would also answer for namespaces with istio-injection=enabled."""
    if spec.revision != DEFAULT_REVISION:
        return
    for injector in facts.injectors:
        other = labels_of(injector).get("istio.io/rev", "")
        if other != DEFAULT_REVISION and discovery.answers_by_default(injector):
            yield Finding(
                "error",
                MeshError(
                    "webhook_conflict",
                    f"already injects namespaces with istio-injection=enabled, for revision {other}",
                    where=f"MutatingWebhookConfiguration {injector['metadata']['name']}",
                    hint="remove the default tag first, or install under another revision",
                ),
            )


def wanted(spec: ControlPlaneSpec, facts: Facts) -> list[ObjectSet]:
    """One set per chart; sets that are no longer part of the declaration are empty, which prunes them."""
    program = helm.find()
    sets, names = [], []
    for item in releases(spec):
        names.append(item.set)
        version, objects = _rendered(item, spec, facts, program)
        if _follows(item, version, spec, facts):
            sets.append(_set(item, version, objects, spec, facts))
    gone = [name for name in SHARED if name not in names and _may_go(name, spec, facts)]
    return _default_validator_to_istiod(sets, spec) + [
        ObjectSet(name, spec.namespace, manager(NAME, name)) for name in gone
    ]


def _rendered(item: Release, spec: ControlPlaneSpec, facts: Facts, program: helm.Helm) -> tuple[str, list[Object]]:
    chart = charts.get(spec.charts, item.chart, spec.version, program)
    return chart.version, render(program, chart, item.name, item.namespace, item.values, facts.target)


def _set(item: Release, version: str, objects: list[Object], spec: ControlPlaneSpec, facts: Facts) -> ObjectSet:
    fields = (_namespace(spec, facts),) if item.set == "base" else ()
    made = ObjectSet(item.set, spec.namespace, manager(NAME, item.set), tuple(objects), fields, version)
    return replace(made, superseded=_default_tag(spec, facts)) if item.set == f"istiod-{DEFAULT_REVISION}" else made


def _default_tag(spec: ControlPlaneSpec, facts: Facts) -> tuple[Ref, ...]:
    """istioctl install switches the injector of the default revision off and lets a tag answer in its place; the
    charts' injector answers itself."""
    tags = [obj for obj in facts.injectors if discovery.tag_of(obj) == DEFAULT_REVISION]
    found = [ref(obj) for obj in tags if labels_of(obj)["istio.io/rev"] == DEFAULT_REVISION]
    return (*found, Ref("", "Service", spec.namespace, f"istiod-revision-tag-{DEFAULT_REVISION}"))


_NETWORK = "topology.istio.io/network"


def _namespace(spec: ControlPlaneSpec, facts: Facts) -> Object:
    """The control plane's namespace, of which only the network label is ours. A cluster has one network: a revision
    that names none leaves what another one named."""
    network = spec.network or (facts.network() if _others(spec, facts) else "")
    labels = {"labels": {_NETWORK: network}} if network else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": spec.namespace, **labels}}


def _may_go(name: str, spec: ControlPlaneSpec, facts: Facts) -> bool:
    """Whether a shared set that this declaration does not have is taken away: other revisions may stand on it,
    so it takes the last revision, or a word (``cni: false``)."""
    asked = name == "cni" and spec.cni is False
    return name in facts.inventories and (asked or not _others(spec, facts))


def _follows(item: Release, version: str, spec: ControlPlaneSpec, facts: Facts) -> bool:
    """Shared sets follow the newest revision: an older one that is applied later does not take them back."""
    recorded = annotations_of(facts.inventories.get(item.set, {})).get(VERSION, "")
    return item.set not in SHARED or not _others(spec, facts) or _sortable(version) >= _sortable(recorded)


def _others(spec: ControlPlaneSpec, facts: Facts) -> list[str]:
    """Other control planes in this cluster, whoever made them."""
    recorded = [name for name in facts.inventories if name.startswith("istiod-") and name != f"istiod-{spec.revision}"]
    return recorded + _not_ours(spec, (obj for obj in facts.injectors if not discovery.tag_of(obj)))


def _not_ours(spec: ControlPlaneSpec, found: Iterable[Object]) -> list[str]:
    """Names of those that are not in the revision's own set: of other revisions, or somebody else's."""
    ours = applyset_id(f"istiod-{spec.revision}", spec.namespace)
    return [obj["metadata"]["name"] for obj in found if labels_of(obj).get(PART_OF) != ours]


def _sortable(version: str) -> tuple[int, ...]:
    numbers = version.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0].split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def _default_validator_to_istiod(sets: list[ObjectSet], spec: ControlPlaneSpec) -> list[ObjectSet]:
    """The base chart renders istiod-default-validator, but it belongs to the default revision, not to the cluster:
    another revision's run renders base without it and must not prune it."""
    moved = tuple(obj for item in sets if item.id == "base" for obj in item.objects if _is_default_validator(obj))
    result = []
    for item in sets:
        objects = item.objects
        if item.id == "base":
            objects = tuple(obj for obj in objects if not _is_default_validator(obj))
        elif item.id == f"istiod-{spec.revision}":
            objects = (*objects, *moved)
        result.append(replace(item, objects=objects))
    return result


def _is_default_validator(obj: Object) -> bool:
    return bool(obj["metadata"]["name"] == "istiod-default-validator")


def removal(spec: ControlPlaneSpec, facts: Facts) -> Removal:
    """The revision's own set; with the last revision also what the cluster shares, and what istiod left (its CA: a
    control plane that somebody else installed beside ours would be lost without)."""
    sets = [ObjectSet(f"istiod-{spec.revision}", spec.namespace, manager(NAME, f"istiod-{spec.revision}"))]
    if _others(spec, facts) or _not_ours(spec, facts.istiods()):
        own = discovery.elections_of(spec.revision)
        return Removal(tuple(sets), tuple(key for key in facts.leftovers() if key.name in own))
    namespace = _namespace(spec, facts)
    for name in reversed(SHARED):
        fields = (namespace,) if name == "base" else ()
        sets.append(ObjectSet(name, spec.namespace, manager(NAME, name), fields=fields))
    return Removal(tuple(sets), facts.leftovers(), discovery.LEFTOVERS)


def proofs(spec: ControlPlaneSpec, _facts: Facts) -> Iterator[Proof]:
    """Ready means that it behaves: pods come back injected, nonsense is refused."""
    if proves_injection(spec):
        yield injection_works(spec.revision, spec.namespace)
    if proves_validation(spec):
        yield validation_works(spec.revision)


def result(spec: ControlPlaneSpec, facts: Facts, live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{revision, version, namespace, injector}``."""
    return {"revision": spec.revision, "version": _version(spec), "namespace": spec.namespace}


def _version(spec: ControlPlaneSpec) -> str:
    if spec.version:
        return spec.version
    return charts.get(spec.charts, "istiod", None, helm.find()).version


CONTROL_PLANE: Declarative[ControlPlaneSpec, Facts] = Declarative(
    name=NAME,
    spec=ControlPlaneSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    proofs=lambda spec, facts: tuple(proofs(spec, facts)),
    result=result,
    returns=ControlPlaneResult,
    leaves=lambda spec: discovery.left_by_istiod(spec.namespace, spec.revision),
)
