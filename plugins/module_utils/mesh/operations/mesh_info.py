# SPDX-License-Identifier: Apache-2.0
"""What a cluster has of a mesh: revisions, tags, gateways, proxies, hosts outside Kubernetes, our sets."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..apply.inventory import SET_LABEL, VERSION
from ..apply.readiness import addresses, status_of
from ..model.objects import Object, annotations_of, labels_of
from ..model.operation import Query, Reader
from ..model.permissions import Permission
from ..model.specs.mesh_info import MeshInfoResult, MeshInfoSpec
from . import discovery, support, workloads
from .concerns import concerns
from .metrics import metrics
from .sweeping import sweep


def answer(cluster: Reader, spec: MeshInfoSpec) -> dict[str, Any]:
    """What :class:`MeshInfoResult` says; every list is sorted."""
    return look(cluster, spec, discovery.injectors(cluster), discovery.pods(cluster))


def look(cluster: Reader, spec: MeshInfoSpec, injectors: Sequence[Object], pods: Iterable[Object]) -> dict[str, Any]:
    """The same, for who has listed injectors and injected pods already."""
    proxies = list(discovery.proxies_in(pods))
    places = discovery.places(spec.namespace, spec.namespaces)
    istiods = [obj for place in places for obj in discovery.istiods(cluster, place)]
    found = {
        "kubernetes": cluster.server_version,
        "revisions": _revisions(istiods, injectors, proxies),
        "tags": _tags(injectors),
        "namespaces": _namespaces(cluster),
        "gateways": _gateways(cluster),
        "sets": _sets(cluster),
        "proxies": _sorted(proxies),
        "workloads": _sorted(map(workloads.told, workloads.entries(cluster))),
    }
    roots = [cluster.get("v1", "ConfigMap", place, "istio-ca-root-cert") for place in places]
    now = datetime.datetime.now(datetime.UTC)
    found["concerns"] = concerns(found, injectors, roots, sweep(istiods), now, spec.warn_days)
    return {**found, "metrics": metrics(found, cluster.name), "proxies": found["proxies"] if spec.proxies else []}


def _revisions(
    istiods: Iterable[Object], injectors: Sequence[Object], proxies: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    counts = Counter(proxy["revision"] for proxy in proxies)
    found = []
    for deployment in istiods:
        revision = labels_of(deployment).get("istio.io/rev", "default")
        ready, reason = _runs(deployment)
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        found.append(
            {
                "revision": revision,
                "namespace": deployment["metadata"]["namespace"],
                "version": support.image_version(image) or labels_of(deployment).get("app.kubernetes.io/version", ""),
                "ready": ready,
                "reason": reason,
                "webhook": _signed(discovery.injector_of(injectors, revision)),
                "proxies": counts[revision],
            }
        )
    return sorted(found, key=lambda item: (item["revision"], item["namespace"]))


def _runs(deployment: Object) -> tuple[bool, str]:
    """Whether it is ready, and why not. What was scaled to nothing is as its Deployment wants it, but serves nobody."""
    if deployment["spec"].get("replicas") == 0:
        return False, "is scaled to 0 replicas"
    status = status_of(deployment)
    return status.ready, status.reason


def _signed(injector: Object | None) -> bool:
    webhooks = (injector or {}).get("webhooks") or []
    return bool(webhooks) and all(webhook["clientConfig"].get("caBundle") for webhook in webhooks)


def _tags(injectors: Iterable[Object]) -> list[dict[str, str]]:
    found = [
        {"tag": discovery.tag_of(obj), "revision": labels_of(obj)["istio.io/rev"]}
        for obj in injectors
        if discovery.tag_of(obj)
    ]
    return sorted(found, key=lambda item: item["tag"])


#: Label of a namespace -> what it means.
_POLICIES = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode")


def _namespaces(cluster: Reader) -> list[dict[str, str]]:
    found = [
        {"namespace": obj["metadata"]["name"], "policy": ",".join(f"{key}={labels_of(obj)[key]}" for key in marks)}
        for obj in cluster.list("v1", "Namespace")
        if (marks := [key for key in _POLICIES if key in labels_of(obj)])
    ]
    return sorted(found, key=lambda item: item["namespace"])


_GATEWAY = "gateway.networking.k8s.io/gateway-name"


def _gateways(cluster: Reader) -> list[dict[str, Any]]:
    """Services in front of gateway proxies: those whose chart or label says so."""
    found = []
    for service in cluster.list("v1", "Service", "", "istio"):
        if labels_of(service).get("istio") == "pilot" or labels_of(service).get("app") == "istiod":
            continue
        found.append(
            {
                "namespace": service["metadata"]["namespace"],
                # istiod adds the class to the name of a Gateway of the Gateway API.
                "name": labels_of(service).get(_GATEWAY, service["metadata"]["name"]),
                "type": service["spec"]["type"],
                "addresses": addresses(service),
                "ports": [port["port"] for port in service["spec"].get("ports") or ()],
            }
        )
    return sorted(found, key=lambda item: (item["namespace"], item["name"]))


def _sets(cluster: Reader) -> list[dict[str, str]]:
    found = [
        {
            "set": labels_of(obj)[SET_LABEL],
            "namespace": obj["metadata"]["namespace"],
            "version": annotations_of(obj).get(VERSION, ""),
        }
        for obj in cluster.list("v1", "ConfigMap", "", SET_LABEL)
    ]
    return sorted(found, key=lambda item: (item["set"], item["namespace"]))


def _sorted(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted((dict(item) for item in items), key=lambda item: (item["namespace"], item["name"]))


def needs(_spec: MeshInfoSpec) -> list[Permission]:
    """Hosts may come to a cluster that does not serve their kind yet."""
    return [workloads.LIST]


MESH_INFO: Query[MeshInfoSpec] = Query("mesh_info", MeshInfoSpec, answer, MeshInfoResult, needs)
