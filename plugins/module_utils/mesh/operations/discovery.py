# SPDX-License-Identifier: Apache-2.0
"""What a mesh left for everybody to see: injectors, tags, proxies. Works whoever installed it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model.objects import Object, Ref, annotations_of, labels_of, ref
from ..model.operation import Reader
from ..model.sets import DEFAULT_REVISION
from ..plan.disruption import selects
from . import support

#: What istiod writes at run time and nobody removes: (apiVersion, kind, label selector).
LEFTOVERS: tuple[tuple[str, str, str], ...] = (("v1", "ConfigMap", "istio.io/config=true"),)

#: How leader election marks the ConfigMaps that it uses (the older form of Leases).
_LEADER = "control-plane.alpha.kubernetes.io/leader"


def leftovers(cluster: Reader, namespace: str) -> Iterator[Ref]:
    """What istiod leaves in its own namespace: its self-signed CA, and the locks of its leader elections."""
    yield Ref("", "Secret", namespace, "istio-ca-secret")
    for lease in cluster.list("coordination.k8s.io/v1", "Lease", namespace):
        # An istiod that ended in peace has given its own back: the name is all that tells of it.
        holder = str(lease["spec"].get("holderIdentity") or "")
        if holder.startswith("istiod") or (not holder and lease["metadata"]["name"].startswith(_LEASES)):
            yield ref(lease)
    for config in cluster.list("v1", "ConfigMap", namespace):
        if '"holderIdentity":"istiod' in annotations_of(config).get(_LEADER, ""):
            yield ref(config)


#: Locks of istiod's leader elections: those of a cluster, and those of each revision.
_ELECTIONS = (
    "istio-analyze-leader",
    "istio-clustertrustbundle-controller-election",
    "istio-gateway-status-leader",
    "istio-ip-autoallocate",
    "istio-leader",
    "istio-namespace-controller-election",
    "istio-node-untaint",
    "istio-serviceexport-controller-election",
)
_ELECTIONS_BY_REVISION = ("istio-gateway-deployment", "istio-gateway-status-leader")
_LEASES = ("istio-status-leader", *(f"{name}-" for name in _ELECTIONS_BY_REVISION))


def elections_of(revision: str) -> frozenset[str]:
    """Names of the locks that only this revision uses."""
    return frozenset(f"{name}-{revision}" for name in _ELECTIONS_BY_REVISION)


def left_by_istiod(namespace: str, revision: str) -> Iterator[Object]:
    """What :func:`leftovers` and the selectors will find once istiod has run."""
    holder = "istiod"
    for name in _ELECTIONS:
        marks = {"annotations": {_LEADER: f'{{"holderIdentity":"{holder}"}}'}}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace, **marks}}
    for name in ("istio-status-leader", *sorted(elections_of(revision))):
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        yield {**lease, "metadata": {"name": name, "namespace": namespace}, "spec": {"holderIdentity": holder}}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "istio-ca-secret", "namespace": namespace}}
    for name in ("istio-ca-root-cert", "istio-ca-crl"):
        labels = {"istio.io/config": "true"}
        yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}


def places(namespace: str, more: Iterable[str]) -> list[str]:
    """The namespaces in which control planes are looked for, each once."""
    return list(dict.fromkeys((namespace, *more)))


def istiods(cluster: Reader, namespace: str) -> Sequence[Object]:
    """The Deployments of istiod in a namespace, whoever made them."""
    return cluster.list("apps/v1", "Deployment", namespace, "app=istiod")


def versions(cluster: Reader, found: Iterable[Object]) -> dict[str, str]:
    """Revision -> Istio version of its istiod, by the image's tag; of control planes in this cluster."""
    running = [obj for namespace in sorted(namespaces_of(found)) for obj in istiods(cluster, namespace)]
    return {labels_of(obj).get("istio.io/rev", DEFAULT_REVISION): _istiod_version(obj) for obj in running}


def _istiod_version(istiod: Object) -> str:
    containers = istiod["spec"]["template"]["spec"]["containers"]
    return next((support.image_version(c.get("image", "")) for c in containers if c["name"] == "discovery"), "")


def injectors(cluster: Reader) -> Sequence[Object]:
    """All injection webhooks: of revisions and of tags."""
    return cluster.list("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "istio.io/rev")


def namespaces_of(found: Iterable[Object]) -> set[str]:
    """The namespaces of the control planes behind injectors; one that is called by URL has none here."""
    clients = (webhook["clientConfig"] for obj in found for webhook in obj.get("webhooks") or ())
    return {client["service"]["namespace"] for client in clients if client.get("service")}


def injector_of(found: Iterable[Object], revision: str) -> Object | None:
    """The revision's own webhook (not one of its tags)."""
    return next((obj for obj in found if labels_of(obj).get("istio.io/rev") == revision and not tag_of(obj)), None)


def roots_of(found: Iterable[Object]) -> dict[str, str]:
    """Revision -> namespace of its control plane, where its injector calls one in the cluster."""
    return {
        labels_of(obj)["istio.io/rev"]: namespace
        for obj in found
        if not tag_of(obj)
        for namespace in namespaces_of([obj])
    }


def tag_of(injector: Mapping[str, Any]) -> str:
    """The tag that a webhook stands for, or nothing."""
    return labels_of(injector).get("istio.io/tag", "")


def tags_of(found: Iterable[Object], revision: str) -> list[str]:
    """The tags of a revision."""
    return sorted(tag_of(obj) for obj in found if labels_of(obj).get("istio.io/rev") == revision and tag_of(obj))


def resolve(found: Iterable[Object], name: str) -> str | None:
    """The revision behind a revision or tag, or None when nothing answers to that name."""
    webhooks = list(found)
    tagged = next((obj for obj in webhooks if tag_of(obj) == name), None)
    if tagged is not None:
        return labels_of(tagged)["istio.io/rev"]
    return name if injector_of(webhooks, name) is not None else None


def revisions_of(found: Iterable[Object]) -> set[str]:
    """Revisions that somebody injects, also from outside the cluster."""
    return {labels_of(obj)["istio.io/rev"] for obj in found if not tag_of(obj)}


def answers_by_default(injector: Mapping[str, Any]) -> bool:
    """Whether a webhook selects namespaces with istio-injection=enabled."""
    for webhook in injector.get("webhooks") or ():
        for expression in webhook.get("namespaceSelector", {}).get("matchExpressions") or ():
            if expression["key"] == "istio-injection" and "enabled" in (expression.get("values") or ()):
                return True
    return False


def answering(found: Iterable[Object], namespace: Mapping[str, str], pod: Mapping[str, str]) -> str | None:
    """The revision whose webhook pods with these labels pass in a namespace with those; None where no webhook does."""
    for injector in found:
        for webhook in injector.get("webhooks") or ():
            both = (webhook.get("namespaceSelector") or {}, namespace), (webhook.get("objectSelector") or {}, pod)
            if all(selects(selector, labels) for selector, labels in both):
                return labels_of(injector)["istio.io/rev"]
    return None


#: By this annotation injection notes what it did.
_STATUS, _REVISION = "sidecar.istio.io/status", "istio.io/rev"
#: Phases of pods in which nothing runs any more.
ENDED = ("Succeeded", "Failed")


def pods(cluster: Reader) -> Sequence[Object]:
    """Every pod that injection touched: it puts this label on all of them, gateways included."""
    return cluster.list("v1", "Pod", "", "service.istio.io/canonical-name")


def proxies(cluster: Reader) -> Iterator[dict[str, str]]:
    """Every pod with a proxy: ``{namespace, name, revision, version, image}``."""
    return proxies_in(pods(cluster))


def proxies_in(found: Iterable[Object]) -> Iterator[dict[str, str]]:
    """The same of pods that are known."""
    for pod in found:
        if not has_proxy(pod) or (pod.get("status") or {}).get("phase") in ENDED:
            continue
        image = image_of(pod)
        yield {
            "namespace": pod["metadata"]["namespace"],
            "name": pod["metadata"]["name"],
            "revision": revision_of(pod),
            "version": support.image_version(image),
            "image": image,
        }


def has_proxy(pod: Object) -> bool:
    """Whether it was injected, or is a gateway of the Gateway API, which istiod runs itself."""
    return _STATUS in annotations_of(pod) or "gateway.istio.io/managed" in labels_of(pod)


def proxies_of(cluster: Reader, revision: str) -> Iterator[str]:
    """Proxies of one revision as ``namespace/name``."""
    return (f"{p['namespace']}/{p['name']}" for p in proxies(cluster) if p["revision"] == revision)


def revision_of(pod: Object) -> str:
    """By the note that injection left, which anybody who may make pods can write, too; or as istiod marks its own."""
    try:
        told = json.loads(annotations_of(pod).get(_STATUS, ""))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, Mapping):
        return labels_of(pod).get(_REVISION) or annotations_of(pod).get(_REVISION) or DEFAULT_REVISION
    return str(told.get("revision") or DEFAULT_REVISION)


def image_of(pod: Object) -> str:
    """The image of a pod's proxy, or nothing."""
    containers = [*pod["spec"].get("containers", ()), *pod["spec"].get("initContainers", ())]
    return next((str(item.get("image", "")) for item in containers if item["name"] == "istio-proxy"), "")
