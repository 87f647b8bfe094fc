# SPDX-License-Identifier: Apache-2.0
"""Where mTLS is required (Istio reference, PeerAuthentication), and which pods it can be tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..model.objects import Object, annotations_of, labels_of
from ..model.operation import Reader

STRICT = "STRICT"
#: Annotations of pods by which ports bypass the proxy (Istio reference, resource annotations).
_TRAFFIC = "traffic.sidecar.istio.io/"


def policies_of(cluster: Reader) -> Sequence[Object]:
    """All that say something of mTLS between pods."""
    return cluster.list("security.istio.io/v1", "PeerAuthentication")


def mode_of(policies: Iterable[Object], namespace: str) -> str:
    """Mode of the policy for all workloads of a namespace, the oldest one where there are several; empty for none."""
    found = [
        (
            str(obj["metadata"].get("creationTimestamp", "")),
            str(((obj.get("spec") or {}).get("mtls") or {}).get("mode")),
        )
        for obj in policies
        if obj["metadata"].get("namespace") == namespace and not _selector(obj)
    ]
    mode = min(found)[1] if found else ""
    return "" if mode in ("UNSET", "None") else mode


def candidates(
    policies: Sequence[Object], pods: Iterable[Object], root_of: Callable[[Object], str]
) -> dict[str, tuple[str, int] | None]:
    """By namespace in which every proxy requires mTLS (by a policy of the namespace, else by that of the pod's mesh, in
    its root namespace), a running pod and a port of its own; None where no pod tells a port."""
    modes = {name: mode_of(policies, name) for name in {policy["metadata"].get("namespace") for policy in policies}}
    found: dict[str, tuple[str, int] | None] = {}
    for pod in pods:
        namespace, root = pod["metadata"]["namespace"], root_of(pod)
        strict = namespace != root and (modes.get(namespace) or modes.get(root)) == STRICT
        if not strict or found.get(namespace) or not _serves(pod):
            continue
        exempt = any(_selects(policy, pod) for policy in policies if policy["metadata"].get("namespace") == namespace)
        port = None if exempt else _port(pod)
        found[namespace] = (pod["metadata"]["name"], port) if port else None
    return found


def _serves(pod: Object) -> bool:
    marks = annotations_of(pod)
    # Other templates (gRPC's agent, gateways) intercept nothing.
    templates = marks.get("inject.istio.io/templates", "sidecar").replace(" ", "").split(",")
    injected = "sidecar.istio.io/status" in marks and "sidecar" in templates
    return (
        injected and (pod.get("status") or {}).get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    )


def _port(pod: Object) -> int | None:
    """The first TCP port that a container of the application names, and that the proxy intercepts."""
    marks = annotations_of(pod)
    taken = marks.get(f"{_TRAFFIC}includeInboundPorts", "*").replace(" ", "").split(",")
    left = marks.get(f"{_TRAFFIC}excludeInboundPorts", "").replace(" ", "").split(",")
    ports = (
        int(port["containerPort"])
        for container in pod["spec"].get("containers") or ()
        if container["name"] != "istio-proxy"
        for port in container.get("ports") or ()
        if port.get("protocol", "TCP") == "TCP"
    )
    return next((port for port in ports if {"*", str(port)} & {*taken} and str(port) not in left), None)


def _selector(policy: Object) -> dict[str, str]:
    return (((policy.get("spec") or {}).get("selector")) or {}).get("matchLabels") or {}


def _selects(policy: Object, pod: Object) -> bool:
    """Whether a policy speaks of this pod in particular: then it may be let off."""
    selector = _selector(policy)
    return bool(selector) and selector.items() <= labels_of(pod).items()
