# SPDX-License-Identifier: Apache-2.0
"""What a CRD or a namespace still holds that is not ours: such are kept, with the count, unless purge is set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ..kube.cluster import Cluster
from ..kube.discovery import Resource
from ..model.objects import CREATED_BY, Object, ObjectSet, Ref, annotations_of, labels_of, ref
from ..plan.owners import PART_OF

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
    ours = {item.id for item in sets}
    candidates = [
        (key, obj)
        for key, obj in live.items()
        if key.kind == "CustomResourceDefinition"
        or (key.kind == "Namespace" and (annotations_of(obj).get(CREATED_BY) in ours or PART_OF in labels_of(obj)))
    ]
    reasons = {}
    for key, obj in candidates:
        held = _of_definition(cluster, obj) if key.kind == "CustomResourceDefinition" else _in_namespace(cluster, key)
        counts = Counter(other.kind for other in held if other not in doomed)
        if counts:
            shown = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
            reasons[key] = f"it holds {shown}; purge removes them"
    return reasons


def _of_definition(cluster: Cluster, crd: Object) -> list[Ref]:
    resource = cluster.kinds.find(crd["spec"]["group"], crd["spec"]["names"]["kind"])
    return [ref(obj) for obj in cluster.list_at(resource)[0]] if resource else []


def _in_namespace(cluster: Cluster, namespace: Ref) -> list[Ref]:
    places = [
        item for item in cluster.kinds if item.namespaced and "list" in item.verbs and item.kind not in _TRANSIENT
    ]
    pages = cluster.map(lambda resource: _others(cluster, resource, namespace.name), places)
    return [key for page in pages for key in page]


def _others(cluster: Cluster, resource: Resource, namespace: str) -> Iterable[Ref]:
    found = cluster.list_at(resource, namespace)[0]
    return [ref(obj) for obj in found if _counts(obj)]


def _counts(obj: Object) -> bool:
    if (obj["kind"], obj["metadata"]["name"]) in _HOUSEKEEPING:
        return False
    # What an object in the namespace owns goes with its owner, which is counted itself.
    return not obj["metadata"].get("ownerReferences") and "applyset.kubernetes.io/id" not in labels_of(obj)
