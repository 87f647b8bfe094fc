# SPDX-License-Identifier: Apache-2.0
"""What a CRD or a namespace still holds that is not ours: such are kept, with the count, unless purge is set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..kube.cluster import Cluster
from ..kube.discovery import Resource
from ..kube.failures import ApiFailure
from ..model.objects import CREATED_BY, Object, ObjectSet, Ref, annotations_of, labels_of, ref
from ..model.sets import MANAGER
from ..plan.owners import PART_OF
from .inventory import SET_LABEL

#: What is held, and what it is called.
_Held = tuple[Ref, str]

#: What Kubernetes and istiod put into every namespace by themselves.
_HOUSEKEEPING: frozenset[tuple[str, str]] = frozenset(
    {
        ("ConfigMap", "kube-root-ca.crt"),
        ("ConfigMap", "istio-ca-root-cert"),
        ("ConfigMap", "istio-ca-crl"),
        ("ServiceAccount", "default"),
    }
)
#: Kinds that come and go with others.
_TRANSIENT = frozenset({"Event", "EndpointSlice", "Endpoints", "Lease", "PodMetrics", "ControllerRevision"})


def keep_reasons(
    cluster: Cluster, live: Mapping[Ref, Object], sets: Sequence[ObjectSet], doomed: set[Ref]
) -> dict[Ref, str]:
    """For each of our CRDs and created namespaces that holds objects of others: why it is kept."""
    ours = {item.mark for item in sets}
    candidates = [
        (key, obj)
        for key, obj in live.items()
        if key.kind == "CustomResourceDefinition"
        or (key.kind == "Namespace" and (annotations_of(obj).get(CREATED_BY) in ours or PART_OF in labels_of(obj)))
    ]
    reasons = {}
    for key, obj in candidates:
        held = _of_definition(cluster, obj) if key.kind == "CustomResourceDefinition" else _in_namespace(cluster, key)
        if held is None:
            reasons[key] = "what it holds may not be listed; purge removes it"
            continue
        counts = Counter(kind for other, kind in held if other not in doomed)
        if counts:
            shown = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
            reasons[key] = f"it holds {shown}; purge removes them"
        elif declaring := _declaring(obj, sets):
            reasons[key] = f"{', '.join(declaring)} has fields on it; purge removes it"
    return reasons


def told(reasons: Mapping[Ref, str]) -> list[str]:
    """The same as warnings."""
    return [f"{key} is kept: {reason}" for key, reason in reasons.items()]


def _declaring(obj: Object, sets: Sequence[ObjectSet]) -> list[str]:
    """Other sets of ours that say something of an object, by their field managers."""
    entries = obj["metadata"].get("managedFields") or ()
    ours = {item.manager for item in sets}
    found = {entry["manager"] for entry in entries if entry["operation"] == "Apply"} - ours
    return sorted(name for name in found if name.startswith(MANAGER))


def _of_definition(cluster: Cluster, crd: Object) -> list[_Held]:
    resource = cluster.kinds.find(crd["spec"]["group"], crd["spec"]["names"]["kind"])
    return [(ref(obj), obj["kind"]) for obj in cluster.list_at(resource)[0]] if resource else []


def _in_namespace(cluster: Cluster, namespace: Ref) -> list[_Held] | None:
    """What is in a namespace; None for an account that may not list all of it, as roles within namespaces are."""
    places = [
        item for item in cluster.kinds if item.namespaced and "list" in item.verbs and item.kind not in _TRANSIENT
    ]
    try:
        pages = cluster.map(lambda resource: _others(cluster, resource, namespace.name), places)
    except ApiFailure as error:
        if error.status != 403:
            raise
        return None
    return [key for page in pages for key in page]


def _others(cluster: Cluster, resource: Resource, namespace: str) -> Iterable[_Held]:
    found = cluster.list_at(resource, namespace)[0]
    return [(ref(obj), _named(obj)) for obj in found if _counts(obj)]


def _named(obj: Object) -> str:
    """The kind for people; an inventory by its set."""
    return f"inventory of {labels_of(obj)[SET_LABEL]}" if SET_LABEL in labels_of(obj) else str(obj["kind"])


def _counts(obj: Object) -> bool:
    if (obj["kind"], obj["metadata"]["name"]) in _HOUSEKEEPING:
        return False
    # What an object in the namespace owns goes with its owner, which is counted itself.
    return not obj["metadata"].get("ownerReferences")
