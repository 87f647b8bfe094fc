# SPDX-License-Identifier: Apache-2.0
"""What is true of a cluster after a run: everything in it that is ours, and whether the inventories know it."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mesh.kube.cluster import Cluster
from mesh.kube.discovery import Resource
from mesh.kube.failures import ApiFailure
from mesh.model.objects import Object, Ref, annotations_of, labels_of, ref
from mesh.plan.owners import PART_OF

OURS = "meshops"
_ID = "applyset.kubernetes.io/id"
#: Says when a set was changed last; another value after each change.
_TOKEN = "meshops.mesh/changed"
#: What the API server writes, or what depends on the moment.
_VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")
#: Fields that servers and controllers choose; kept out, as they differ between two installations that are the same.
_CHOSEN = frozenset({"clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "caBundle"})
_NOISY_MARKS = frozenset({"deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation", _TOKEN})
#: Kinds that come and go by themselves.
_PASSING = frozenset(
    {"Event", "ComponentStatus", "Endpoints", "EndpointSlice", "Pod", "ReplicaSet", "ControllerRevision", "Node"}
)
#: How long istiod may take to close validation: it looks whether that works again and again, ever more seldom.
_ISTIOD_SECONDS = 20.0
#: Others that write into the cluster, by the start of their field manager.
_CONTROLLERS = ("kube-", "pilot-discovery", "kwok", "meshops-lab", "helm", "k3s", "istio", "unknown", "fault-bystander")


@dataclass(frozen=True)
class Snapshot:
    """Objects of ours (content, and the fields that each of our managers owns) and what else is new, by identity."""

    objects: Mapping[str, Any]
    problems: tuple[str, ...] = ()


@dataclass
class Oracle:
    """Looks at one cluster directly. ``baseline`` are the objects that were there before anything was done."""

    cluster: Cluster
    baseline: frozenset[str | None] = frozenset()
    _places: list[Resource] = field(default_factory=list)

    def remember(self) -> None:
        """What is there now is not ours."""
        self.baseline = frozenset(obj["metadata"].get("uid") for obj in self._everything())

    def snapshot(self) -> Snapshot:
        """The state as two runs with the same outcome must leave it, once istiod has done its part."""
        deadline = time.monotonic() + _ISTIOD_SECONDS
        found = [obj for obj in self._everything() if self._matters(obj)]
        while any(map(_open, found)) and time.monotonic() < deadline:
            time.sleep(0.2)
            found = [obj for obj in self._everything() if self._matters(obj)]
        shown = {str(ref(obj)): normalised(obj) for obj in found}
        return Snapshot(shown, tuple(sorted(outside_inventory(found))))

    def _everything(self) -> Iterator[Object]:
        self.cluster.forget_kinds()
        resources = [item for item in self.cluster.kinds if "list" in item.verbs and item.kind not in _PASSING]
        for objects in self.cluster.map(self._listed, resources):
            yield from objects

    def _listed(self, resource: Resource) -> Iterable[Object]:
        try:
            return self.cluster.list_at(resource)[0]
        except ApiFailure as error:
            if error.status in (404, 405):  # a definition that is just going
                return []
            raise

    def _matters(self, obj: Object) -> bool:
        managers = {entry["manager"] for entry in obj["metadata"].get("managedFields") or ()}
        if any(manager.startswith(f"{OURS}/") or manager == OURS for manager in managers) or _marked(obj):
            return True
        theirs = all(manager.startswith(_CONTROLLERS) for manager in managers)
        new = obj["metadata"].get("uid") not in self.baseline
        return new and not theirs and not obj["metadata"].get("ownerReferences")


def _open(obj: Object) -> bool:
    """Whether istiod has still to close validation, which it does by itself as soon as that works."""
    validates = obj["kind"] == "ValidatingWebhookConfiguration"
    return validates and any(webhook.get("failurePolicy") == "Ignore" for webhook in obj.get("webhooks") or ())


def _marked(obj: Object) -> bool:
    return PART_OF in labels_of(obj) or labels_of(obj).get("app.kubernetes.io/managed-by") == OURS


def normalised(obj: Object) -> Object:
    """An object without what differs between two installations that are the same, and with our ownership of fields."""
    kept = copy.deepcopy({key: value for key, value in obj.items() if key != "status"})
    metadata = kept["metadata"]
    owned = {
        f"{entry['manager']} {entry['operation']} {entry.get('subresource', '')}".strip(): entry.get("fieldsV1")
        for entry in metadata.get("managedFields") or ()
        if entry["manager"].startswith(OURS) and not entry["manager"].startswith("meshops-lab")
    }
    for key in _VOLATILE:
        metadata.pop(key, None)
    marks = {key: value for key, value in annotations_of(kept).items() if key not in _NOISY_MARKS}
    metadata.pop("annotations", None)
    if marks:
        metadata["annotations"] = marks
    if metadata.get("finalizers") is not None:
        metadata["finalizers"] = sorted(metadata["finalizers"])
    return {**_without_chosen(kept), "owned": _without_chosen(owned)}


def _without_chosen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_chosen(item) for key, item in value.items() if key not in _CHOSEN}
    if isinstance(value, list):
        return [_without_chosen(item) for item in value]
    return value


def outside_inventory(found: Iterable[Object]) -> Iterator[str]:
    """Members that no inventory leads to, inventories without members, locks that were left."""
    objects = list(found)
    parents = {labels_of(obj)[_ID]: obj for obj in objects if _ID in labels_of(obj)}
    members: dict[str, list[Ref]] = {}
    for obj in objects:
        owner = labels_of(obj).get(PART_OF)
        if owner:
            members.setdefault(owner, []).append(ref(obj))
        if obj["kind"] == "Lease":  # only what is ours gets here
            yield f"{ref(obj)}: a lock was left"
    for owner, refs in members.items():
        if owner not in parents:
            yield f"{', '.join(map(str, refs))}: member of {owner}, whose inventory is not there"
            continue
        parent = parents[owner]
        for item in refs:
            if not _hinted(parent, item):
                yield f"{item}: not to be found by the hints of {ref(parent)}"
    for owner, parent in parents.items():
        if owner not in members:
            yield f"{ref(parent)}: an inventory without members"


def _hinted(parent: Object, item: Ref) -> bool:
    """By the words of KEP-3659, not by the engine's own reading of them."""
    kinds = annotations_of(parent)["applyset.kubernetes.io/contains-group-kinds"].split(",")
    namespaces = annotations_of(parent).get("applyset.kubernetes.io/additional-namespaces", "").split(",")
    return str(item.group_kind) in kinds and item.namespace in ("", parent["metadata"]["namespace"], *namespaces)


def differences(wanted: Snapshot, found: Snapshot) -> list[str]:
    """What differs, one line per object."""
    lines = [f"{key}: is missing" for key in wanted.objects.keys() - found.objects.keys()]
    lines += [f"{key}: should not be there" for key in found.objects.keys() - wanted.objects.keys()]
    for key in wanted.objects.keys() & found.objects.keys():
        lines += [f"{key}: {path}" for path in _paths(wanted.objects[key], found.objects[key])][:8]
    return sorted(lines) + [text for text in found.problems if text not in wanted.problems]


def _paths(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    if wanted == found:
        return
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys()):
            yield from _paths(wanted.get(key), found.get(key), f"{path}.{key}" if path else key)
    else:
        yield f"{path} is {_short(found)} instead of {_short(wanted)}"


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 100 else f"{text[:97]}..."
