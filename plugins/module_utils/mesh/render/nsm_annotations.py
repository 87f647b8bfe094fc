# SPDX-License-Identifier: Apache-2.0
"""The annotation by which pods ask for network services: what is declared, merged with what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..model.errors import MeshError
from ..model.nsm_urls import ANNOTATION, OLD_ANNOTATION, Request, by_service, interface_of, listed, placed, request
from ..model.objects import Object, annotations_of, ref


@dataclass(frozen=True)
class Merged:
    """An annotation as it is and as it is to be. ``added`` is ours, ``others`` what somebody else has there."""

    live: str
    added: list[str]
    others: list[str]
    #: The annotation of 2019, which goes.
    old: str

    @property
    def text(self) -> str:
        """The annotation as it is to be: in the order in which it is, so that what says the same stays the same."""
        known = {*self.added, *self.others}
        there = [text for text in dict.fromkeys(listed(self.live)) if text in known]
        urls = [*there, *(text for text in (*self.others, *self.added) if text not in there)]
        return self.live if urls == listed(self.live) else ",".join(urls)

    @property
    def rest(self) -> str:
        """The annotation without what is ours."""
        return ",".join(self.others)

    @property
    def changed(self) -> bool:
        """Whether pods are made anew for it."""
        return self.text != self.live or bool(self.old)


def merged(annotations: Mapping[str, str], asked: Sequence[Request], before: Sequence[str]) -> Merged:
    """``annotations`` are those of a pod template, ``before`` what was ours in them. Raises MeshError
    ``invalid_option`` where an interface is taken, and for what of 2019 cannot be converted."""
    live = annotations.get(ANNOTATION, "")
    old = annotations.get(OLD_ANNOTATION, "")
    others = [text for text in listed(live) if text not in before and not _was_ours(text, before)]
    # Under which interface it was asked for in 2019 stays as it was.
    moved = placed([_of_2019(text) for text in listed(old)], map(interface_of, others), ())
    others += [text for text in moved if text not in others]
    # Who asks for it already asks for it over some interface.
    there = by_service(others)
    asked = [item if item.interface else replace(item, interface=there.get(item.text, "")) for item in asked]
    have = [item for item in asked if item.text in others]
    urls = placed([item for item in asked if item not in have], map(interface_of, others), before)
    added = [text for text in urls if text not in others]
    taken = {interface_of(text): text for text in others}
    for text in added:
        if interface_of(text) in taken:
            problem = f"wants the interface {interface_of(text)}, which {taken[interface_of(text)]} has there already"
            raise MeshError("invalid_option", f"{text} {problem}", hint="name another interface, or none")
    return Merged(live, added, others, old)


def with_old(annotations: Mapping[str, str], of_workload: Mapping[str, str]) -> dict[str, str]:
    """Annotations of a pod template with what the workload itself has of 2019, when it stood there, too."""
    said = [text for found in (annotations, of_workload) if (text := found.get(OLD_ANNOTATION))]
    return {**annotations, **({OLD_ANNOTATION: ",".join(said)} if said else {})}


def _was_ours(text: str, before: Sequence[str]) -> bool:
    """Whether somebody changed what was ours: an interface is one thing."""
    return interface_of(text) in {interface_of(item) for item in before} - {""}


def _of_2019(text: str) -> Request:
    try:
        return request(text)
    except MeshError as error:
        raise MeshError(error.code, f"{OLD_ANNOTATION}: {error.msg}", hint="mend it, or take it off") from None


#: Kind -> where the metadata of its pods is. A Job would never end, as the client beside its container does not.
_PODS: dict[str, tuple[str, ...]] = {
    "Pod": (),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), ("spec", "template")),
}


def is_client(obj: Object) -> bool:
    """Whether an object can have the annotation."""
    return obj["kind"] in _PODS


def annotated(obj: Object, asked: Sequence[Request]) -> Object:
    """A workload whose pods also ask for these; what stands on the workload itself moves to its pods. Raises MeshError
    ``invalid_option``."""
    template = obj
    for step in _PODS[obj["kind"]]:
        template = template[step]
    own = {} if template is obj else annotations_of(obj)
    found = with_old(annotations_of(template), own)
    found[ANNOTATION] = ",".join(text for text in (found.get(ANNOTATION), own.get(ANNOTATION)) if text)
    try:
        text = merged(found, asked, ()).text
    except MeshError as error:
        raise error.at(str(ref(obj))) from None
    kept = {key: value for key, value in annotations_of(template).items() if key != OLD_ANNOTATION}
    pods = _with(template, {**kept, ANNOTATION: text})
    if template is obj:
        return pods
    moved = {key: value for key, value in own.items() if key not in (ANNOTATION, OLD_ANNOTATION)}
    return {**(_with(obj, moved) if moved != own else obj), "spec": {**obj["spec"], "template": pods}}


def _with(obj: Object, annotations: Mapping[str, str]) -> Object:
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key != "annotations"}
    return {**obj, "metadata": {**metadata, **({"annotations": dict(annotations)} if annotations else {})}}
