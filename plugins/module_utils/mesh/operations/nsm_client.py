# SPDX-License-Identifier: Apache-2.0
"""Clients of Network Service Mesh: an annotation on the pod templates of workloads, which belong to others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..model import nsm, nsm_urls
from ..model.errors import MeshError
from ..model.nsm_urls import ANNOTATION, OLD_ANNOTATION
from ..model.objects import PREFIX, Object, ObjectSet, Ref, annotations_of, labels_of, ref
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.permissions import Permission
from ..model.sets import manager
from ..model.spec import parse
from ..model.specs.network_service import NetworkServiceMatch
from ..model.specs.nsm_client import NsmClientResult, NsmClientSpec
from ..plan.compare import owned_fields
from ..plan.fieldsets import Path, paths
from ..render import network_service, service_matching
from ..render.nsm_annotations import Merged, merged, with_old
from ..render.service_chains import Placed

NAME = "nsm_client"
#: What a declaration added to the pod template, on the workload itself: there it restarts nothing.
RECORD = f"{PREFIX}nsm-client"
_TEMPLATE = ("f:spec", "f:template", "f:metadata", "f:annotations")
_PATH: Path = (*_TEMPLATE, f"f:{ANNOTATION}")
#: Of 2019 it also stood on the workload itself.
_OLD_PATHS: tuple[Path, ...] = (
    (*_TEMPLATE, f"f:{OLD_ANNOTATION}"),
    ("f:metadata", "f:annotations", f"f:{OLD_ANNOTATION}"),
)
_APPS = "apps/v1"


@dataclass(frozen=True)
class Facts:
    """The workloads of the namespace, its own annotation, and all NetworkServices."""

    workloads: Sequence[Object]
    default: str
    services: Sequence[Object]


def observe(cluster: Reader, spec: NsmClientSpec) -> Facts:
    """Read what decides."""
    namespace = cluster.get("v1", "Namespace", "", spec.namespace) or {}
    found = [obj for kind in nsm.WORKLOADS for obj in cluster.list(_APPS, kind, spec.namespace)]
    served = f"{nsm.API_VERSION}/{network_service.KIND}" in cluster.api_versions
    services = cluster.list(nsm.API_VERSION, network_service.KIND) if served else ()
    return Facts(found, annotations_of(namespace).get(ANNOTATION, ""), services)


@dataclass(frozen=True)
class Client:
    """A workload, and the annotation of its pods."""

    workload: Object
    annotation: Merged
    #: What was ours before.
    before: list[str]
    #: Field managers that own the annotation, but for the declaration's own.
    owners: list[str]

    @property
    def where(self) -> str:
        """The workload, as errors name it."""
        return str(ref(self.workload))

    @property
    def in_the_way(self) -> bool:
        """Whether somebody else must agree to what is to be written."""
        return bool(self.annotation.old or (self.annotation.text != self.annotation.live and self._of_others))

    @property
    def _of_others(self) -> bool:
        return bool(self.owners and (self.annotation.others or not self.before))


def client(spec: NsmClientSpec, workload: Object) -> Client:
    """Raises MeshError ``invalid_option`` where what is declared does not go with what is there."""
    before = nsm_urls.listed(annotations_of(workload).get(RECORD, ""))
    asked = [nsm_urls.request(text) for text in spec.services]
    try:
        found = merged(with_old(annotations_of(_template(workload)), annotations_of(workload)), asked, before)
    except MeshError as error:
        raise error.at(str(ref(workload))) from None
    return Client(workload, found, before, _others(spec, workload))


def _template(workload: Object) -> Object:
    found: Object = workload["spec"]["template"]
    return found


def _others(spec: NsmClientSpec, workload: Object) -> list[str]:
    """Other field managers that own the annotation."""
    entries = workload["metadata"].get("managedFields") or ()
    owners = [entry["manager"] for entry in entries if _PATH in paths(entry.get("fieldsV1") or {})]
    return [name for name in owners if name != _manager(spec)]


def _manager(spec: NsmClientSpec) -> str:
    return manager(NAME, spec.namespace, spec.name)


def chosen(spec: NsmClientSpec, facts: Facts) -> list[Object]:
    """The workloads that are meant and there."""
    named = [obj for text in spec.workloads for obj in _named(text, facts)]
    selected = [obj for obj in facts.workloads if spec.selector and spec.selector.items() <= labels_of(obj).items()]
    return list({ref(obj): obj for obj in (*named, *selected)}.values())


def _named(text: str, facts: Facts) -> list[Object]:
    kind, _slash, name = text.rpartition("/")
    return [obj for obj in facts.workloads if obj["metadata"]["name"] == name and kind in ("", obj["kind"])]


def preflight(spec: NsmClientSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """What is meant must be there and unambiguous, and what others have there is not changed unasked."""
    if state != "present":
        yield from (_restarted(obj, "no longer ask for it") for obj in facts.workloads if _loses(spec, obj))
        return
    yield from _missing(spec, facts)
    for item in [client(spec, workload) for workload in chosen(spec, facts)]:
        yield from _kept_by_others(spec, item)
        yield from _elsewhere(item, facts)
        yield from _past_hops(item, facts.services)
        if item.annotation.changed:
            yield _restarted(item.workload, "wait until what they ask for answers")


def _missing(spec: NsmClientSpec, facts: Facts) -> Iterator[Finding]:
    for option, said in (("services", spec.services), ("workloads", spec.workloads or spec.selector)):
        if not said:
            hint = "or say a selector" if option == "workloads" else ""
            yield Finding("error", MeshError("invalid_option", "is required", where=option, hint=hint))
    for text in spec.workloads:
        found = _named(text, facts)
        if not found:
            where = f"{text} in namespace {spec.namespace}"
            problem, hint = "there is no such workload", "deploy it first: its pods are not ours to make"
            yield Finding("pending", MeshError("missing_dependency", problem, where=where, hint=hint))
        if len(found) > 1:
            kinds = ", ".join(obj["kind"] for obj in found)
            problem = f"{text} is the name of more than one workload ({kinds})"
            yield Finding("error", MeshError("invalid_option", problem, where="workloads", hint="say which: Kind/name"))
    if spec.selector and not any(spec.selector.items() <= labels_of(obj).items() for obj in facts.workloads):
        problem = f"selects no workload in namespace {spec.namespace}"
        hint = "it looks at labels of workloads, not of pods"
        yield Finding("pending", MeshError("missing_dependency", problem, where="selector", hint=hint))


def _kept_by_others(spec: NsmClientSpec, item: Client) -> Iterator[Finding]:
    """Annotations that are there already."""
    ours = [name for name in item.owners if name.startswith(manager(NAME))]
    if ours and RECORD in annotations_of(item.workload):
        text = f"gets annotation {ANNOTATION} from another declaration ({ours[0]}), too"
        hint = "say all services of a workload in one"
        yield Finding("error", MeshError("foreign_owner", text, where=item.where, hint=hint))
    elif item.in_the_way:
        has, said = (OLD_ANNOTATION, item.annotation.old) if item.annotation.old else (ANNOTATION, item.annotation.live)
        kept = f", kept by {', '.join(item.owners)}" if item.owners else ""
        text = f"has annotation {has} already ({said}){kept}"
        hint = f"set adopt to have {ANNOTATION}: {item.annotation.text}"
        yield Finding("foreign", MeshError("foreign_owner", text, where=item.where, hint=hint))


def _elsewhere(item: Client, facts: Facts) -> Iterator[Finding]:
    """Places that NSM looks at besides, and which contradict a template or are overruled by it."""
    if ANNOTATION in annotations_of(item.workload):
        text = f"has annotation {ANNOTATION} on itself, too: NSM injects nothing into the workload then, or all twice"
        hint = f"kubectl annotate {item.workload['kind'].lower()} {item.workload['metadata']['name']} {ANNOTATION}-"
        yield Finding("warning", MeshError("invalid_object", text, where=item.where, hint=hint))
    if facts.default and not item.annotation.live and item.annotation.changed:
        text = f"its pods no longer ask for what the namespace asks for by default ({facts.default})"
        yield Finding("warning", MeshError("invalid_object", text, where=item.where))


def _past_hops(item: Client, services: Sequence[Object]) -> Iterator[Finding]:
    """Clients that say the labels of a hop."""
    for text in item.annotation.added:
        asked = nsm_urls.request(text)
        for obj in services if asked.labels and not asked.domain else ():
            if asked.service in (obj["metadata"]["name"], (obj.get("spec") or {}).get("name")):
                for who in _taken_for(obj, asked.labels):
                    problem = f"{text} is taken for the hop {who} of the service, and goes past what comes before it"
                    hint = "say other labels"
                    yield Finding("warning", MeshError("invalid_option", problem, where=item.where, hint=hint))


def _taken_for(obj: Object, labels: nsm.Labels) -> list[str]:
    """The hop for which a network service takes a client with these labels."""
    try:
        said = (obj.get("spec") or {}).get("matches") or ()
        matches = [Placed(parse(NetworkServiceMatch, item), "") for item in said]
    except MeshError:
        return []  # Whatever that is, NSM reads something else in it.
    hops = {
        index for item in matches for route in item.match.routes for index in service_matching.following(matches, route)
    }
    hit = service_matching.hit(matches, labels)[:1]
    return [nsm.told(matches[index].match.source_selector, "") for index in hit if index in hops]


def _restarted(workload: Object, what: str) -> Finding:
    """A change of a template makes new pods, by the workload's own strategy and heedless of disruption budgets."""
    how = "are made anew, and"
    if workload["spec"].get("paused"):
        how = "are made anew once it is resumed, and"
    elif (workload["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        how = "stay until somebody deletes them; new ones"
    return Finding("warning", MeshError("invalid_object", f"its pods {how} {what}", where=str(ref(workload))))


def wanted(spec: NsmClientSpec, facts: Facts) -> list[ObjectSet]:
    """The annotation of each workload; of one whose owner asks for all of it already, nothing."""
    found = [client(spec, workload) for workload in chosen(spec, facts)]
    clients = [item for item in found if _has_ours(spec, item)]
    return [
        replace(
            _set(spec, facts),
            fields=tuple(_fields(item) for item in clients),
            overruling=frozenset(ref(item.workload) for item in clients if item.owners),
            contradicting={ref(item.workload): _old(item.workload) for item in clients if item.annotation.old},
        )
    ]


def _old(workload: Object) -> frozenset[Path]:
    there = (annotations_of(_template(workload)), annotations_of(workload))
    return frozenset(path for path, found in zip(_OLD_PATHS, there, strict=True) if OLD_ANNOTATION in found)


def _has_ours(spec: NsmClientSpec, item: Client) -> bool:
    """Whether something is there because of the declaration: what others asked for in the words of 2019 is, too."""
    return bool(item.annotation.added or item.annotation.old or _owns(spec, item.workload))


def _owns(spec: NsmClientSpec, workload: Object) -> bool:
    return _PATH in paths(owned_fields(workload, _manager(spec)) or {})


def _fields(item: Client) -> Object:
    added = item.annotation.added
    return _annotated(item.workload, item.annotation.text, {RECORD: ",".join(added)} if added else {})


def _annotated(workload: Object, text: str, marks: Mapping[str, str]) -> Object:
    key = ref(workload)
    metadata = {"name": key.name, "namespace": key.namespace, **({"annotations": dict(marks)} if marks else {})}
    template = {"metadata": {"annotations": {ANNOTATION: text}}}
    return {"apiVersion": _APPS, "kind": key.kind, "metadata": metadata, "spec": {"template": template}}


def removal(spec: NsmClientSpec, facts: Facts) -> Removal:
    """What was added goes; its inventory tells from where."""
    return Removal((_set(spec, facts),))


def _set(spec: NsmClientSpec, facts: Facts) -> ObjectSet:
    staying = {ref(obj): _annotated(obj, rest, {}) for obj in facts.workloads if (rest := _staying(spec, obj))}
    return ObjectSet(f"nsmclient-{spec.namespace}-{spec.name}", spec.namespace, _manager(spec), staying=staying)


def _leaving(spec: NsmClientSpec, workload: Object) -> Merged | None:
    """The annotation without what is ours; None where nothing of it is."""
    if owned_fields(workload, _manager(spec)) is None:
        return None
    before = nsm_urls.listed(annotations_of(workload).get(RECORD, ""))
    live = annotations_of(_template(workload)).get(ANNOTATION, "")
    return merged({ANNOTATION: live}, (), before)


def _staying(spec: NsmClientSpec, workload: Object) -> str:
    """What somebody else has in the annotation, where it would go with the declaration, or what is ours would stay."""
    found = _leaving(spec, workload)
    if found is None or (_others(spec, workload) and found.rest == found.live):
        return ""
    return found.rest


def _loses(spec: NsmClientSpec, workload: Object) -> bool:
    """Whether pods change when the declaration goes."""
    found = _leaving(spec, workload)
    if found is None or (_others(spec, workload) and not found.rest):
        return False
    return found.rest != found.live


def result(spec: NsmClientSpec, facts: Facts, _live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{clients}``."""
    found = [client(spec, workload) for workload in chosen(spec, facts)]
    return {"clients": {item.where: item.annotation.text for item in found}}


def needs(spec: NsmClientSpec) -> Iterator[Permission]:
    """Workloads are found where they are, and an imagined cluster has none."""
    for plural in ("deployments", "statefulsets", "daemonsets"):
        yield from (Permission(verb, "apps", plural, spec.namespace) for verb in ("get", "list", "patch", "watch"))


NSM_CLIENT: Declarative[NsmClientSpec, Facts] = Declarative(
    name=NAME,
    spec=NsmClientSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=NsmClientResult,
    states=("present", "absent"),
    renders=False,
    needs=needs,
)
