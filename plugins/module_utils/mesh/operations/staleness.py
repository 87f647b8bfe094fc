# SPDX-License-Identifier: Apache-2.0
"""Workloads of which a new pod would get another proxy than the running ones have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ..model.errors import MeshError
from ..model.objects import Object, annotations_of, labels_of, ref
from ..model.operation import Prober, Restart
from ..model.permissions import Permission
from . import discovery

#: Kinds whose pods are made anew when their template changes, with their API version.
WORKLOADS = (("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet"))
#: Name of the pod that is only tried.
_TRIED = "meshops-proof"
_INJECT = "sidecar.istio.io/inject"


class Proxy(NamedTuple):
    """What injection put into a pod; empty where it put nothing."""

    revision: str = ""
    image: str = ""

    def __str__(self) -> str:
        return f"revision {self.revision}, {self.image.rpartition('/')[2]}" if self.revision else "no proxy"


def due(cluster: Prober, namespaces: Sequence[str]) -> list[Restart]:
    """Workloads with a running pod that has another proxy than the API server would give a new one now.

    Raises MeshError where it would refuse the new pod: a restart would end with no pods at all.
    """
    found = []
    for namespace in namespaces:
        for workload, pods in _with_pods(cluster, namespace):
            fresh = _fresh(cluster, workload)
            stale = [proxy for proxy in map(proxy_of, pods) if proxy != fresh]
            if stale:
                reason = f"{len(stale)} of {len(pods)} pods have {stale[0]}; new ones get {fresh}"
                found.append(Restart(workload, f"{fresh}", reason))
    return found


def foreseen(cluster: Prober, namespaces: Sequence[str], revision_for: Callable[[Object], str | None]) -> list[Restart]:
    """The same before the labels are there: workloads whose pods have not the proxy of the revision that will answer
    (None: have one)."""
    found = []
    for namespace in namespaces:
        for workload, pods in _with_pods(cluster, namespace):
            revision = revision_for(workload)
            if revision is not None and _exempt(workload["spec"]["template"]):
                continue
            stale = [proxy for proxy in map(proxy_of, pods) if proxy.revision != (revision or "")]
            if stale:
                goal = f"revision {revision}" if revision else "no proxy"
                reason = f"{len(stale)} of {len(pods)} pods have {stale[0]}; new ones will get {goal}"
                found.append(Restart(workload, goal, reason))
    return found


def needs(namespaces: Sequence[str]) -> Iterator[Permission]:
    """What restarts take beyond what is read to find them."""
    for namespace in namespaces:
        yield Permission("list", "policy", "poddisruptionbudgets", namespace)
        yield from (Permission(verb, "", "pods", namespace, _TRIED) for verb in ("create", "patch"))
        for plural in ("deployments", "statefulsets", "daemonsets"):
            yield from (Permission(verb, "apps", plural, namespace) for verb in ("get", "list", "watch", "patch"))


def proxy_of(pod: Object) -> Proxy:
    """The proxy of a pod."""
    return Proxy(discovery.revision_of(pod), discovery.image_of(pod)) if discovery.has_proxy(pod) else Proxy()


def _with_pods(cluster: Prober, namespace: str) -> Iterator[tuple[Object, list[Object]]]:
    """Workloads that have running pods, with these."""
    pods = defaultdict(list)
    for pod in cluster.list("v1", "Pod", namespace):
        if (pod.get("status") or {}).get("phase") not in discovery.ENDED:
            pods[_owner(pod)].append(pod)
    for api_version, kind in WORKLOADS if pods else ():
        for workload in cluster.list(api_version, kind, namespace):
            name = workload["metadata"]["name"]
            if (kind, name) in pods and not _stands(workload):
                yield workload, pods[kind, name]


def _owner(pod: Object) -> tuple[str, str]:
    """Kind and name of the workload; a Deployment's ReplicaSets are named ``<deployment>-<pod-template-hash>``."""
    owner: Mapping[str, str] = next(
        (o for o in pod["metadata"].get("ownerReferences") or () if o.get("controller")), {}
    )
    kind, name = owner.get("kind", ""), owner.get("name", "")
    digest = labels_of(pod).get("pod-template-hash")
    if kind == "ReplicaSet" and digest and name.endswith(f"-{digest}"):
        return "Deployment", name.removesuffix(f"-{digest}")
    return kind, name


def _stands(workload: Object) -> bool:
    """Whether its pods stay as they are when the template changes."""
    strategy = workload["spec"].get("updateStrategy") or {}
    return bool(workload["spec"].get("paused") or strategy.get("type") == "OnDelete")


def _fresh(cluster: Prober, workload: Object) -> Proxy:
    template = workload["spec"]["template"]
    # By a name of our own, which permissions can be limited to.
    metadata = {
        "name": _TRIED,
        "namespace": workload["metadata"]["namespace"],
        "labels": labels_of(template),
        "annotations": annotations_of(template),
    }
    try:
        made = cluster.dry_run_create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        )
    except MeshError as error:
        error.hint = error.hint or "mend that first: a restart would end without pods"
        raise error.at(f"{ref(workload)}, a new pod of it") from None
    return proxy_of(made)


def _exempt(template: Object) -> bool:
    """Whether injection leaves such pods alone by what they say themselves."""
    said = labels_of(template).get(_INJECT) or annotations_of(template).get(_INJECT)
    return bool(template["spec"].get("hostNetwork")) or str(said).lower() == "false"
