# SPDX-License-Identifier: Apache-2.0
"""When an object counts as ready: one rule per kind, after kstatus (cli-utils), stricter where a mesh needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..model.objects import Object


@dataclass(frozen=True)
class Status:
    """``ready``, or ``reason`` why not; ``failed`` when waiting longer is not expected to help. ``hint``: what to do,
    where more can be said than to mend the reason."""

    ready: bool
    reason: str = ""
    failed: bool = False
    hint: str = ""


READY = Status(True)
NO_CONTROLLER = (
    "install a load balancer controller (MetalLB, that of your cloud, ...), or make it a NodePort or ClusterIP: "
    "service_type of a gateway"
)


def _condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = obj.get("status", {}).get("conditions") or ()
    return next((condition for condition in conditions if condition["type"] == kind), {})


def _deployment(obj: Object) -> Status:
    wanted = obj["spec"].get("replicas", 1)
    status = obj.get("status", {})
    progressing = _condition(obj, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Status(False, str(progressing.get("message", "progress deadline exceeded")), failed=True)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return Status(False, f"{updated} of {wanted} replicas updated")
    if status.get("replicas", 0) > updated:
        return Status(False, f"{status['replicas'] - updated} old replicas left")
    if available < wanted:
        return Status(False, f"{available} of {wanted} replicas available")
    return READY


def _stateful_set(obj: Object) -> Status:
    wanted = obj["spec"].get("replicas", 1)
    status = obj.get("status", {})
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    strategy = obj["spec"].get("updateStrategy", {})
    # With a partition only the replicas from that ordinal on are updated; with OnDelete those that somebody deletes.
    due = max(0, wanted - (strategy.get("rollingUpdate") or {}).get("partition", 0))
    if strategy.get("type") != "OnDelete" and updated < due:
        return Status(False, f"{updated} of {due} replicas updated")
    return READY if ready >= wanted else Status(False, f"{ready} of {wanted} replicas ready")


def _daemon_set(obj: Object) -> Status:
    status = obj.get("status", {})
    if "observedGeneration" not in status or "desiredNumberScheduled" not in status:
        return Status(False, "not yet scheduled")
    wanted = status["desiredNumberScheduled"]
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if obj["spec"].get("updateStrategy", {}).get("type") != "OnDelete" and updated < wanted:
        return Status(False, f"{updated} of {wanted} nodes updated")
    return READY if available >= wanted else Status(False, f"{available} of {wanted} nodes available")


def _definition(obj: Object) -> Status:
    names = _condition(obj, "NamesAccepted")
    if names.get("status") == "False":
        return Status(False, str(names.get("message", "names not accepted")), failed=True)
    return READY if _condition(obj, "Established").get("status") == "True" else Status(False, "not yet established")


def _job(obj: Object) -> Status:
    failed = _condition(obj, "Failed")
    if failed.get("status") == "True":
        return Status(False, str(failed.get("message", "failed")), failed=True)
    done = obj.get("spec", {}).get("suspend") or _condition(obj, "Complete").get("status") == "True"
    return READY if done else Status(False, "not yet complete")


def _pod(obj: Object) -> Status:
    phase = obj.get("status", {}).get("phase", "Pending")
    if phase == "Failed":
        return Status(False, "failed", failed=True)
    ready = phase == "Succeeded" or _condition(obj, "Ready").get("status") == "True"
    return READY if ready else Status(False, f"phase {phase}")


def _claim(obj: Object) -> Status:
    # Pending is no reason to wait: most storage binds when the first pod wants it, and that pod is waited for.
    phase = obj.get("status", {}).get("phase", "Pending")
    return Status(False, "its volume is lost", failed=True) if phase == "Lost" else READY


def _service(obj: Object) -> Status:
    if obj["spec"].get("type") != "LoadBalancer" or obj["spec"].get("externalIPs") or addresses(obj):
        return READY
    return Status(False, "no load balancer address yet", hint=NO_CONTROLLER)


def _gateway(obj: Object) -> Status:
    """Of the Gateway API: ``Programmed`` says that proxies run and have an address."""
    programmed, accepted = _condition(obj, "Programmed"), _condition(obj, "Accepted")
    if programmed.get("observedGeneration", 0) < obj["metadata"].get("generation", 1):
        return Status(False, f"no controller of class {obj['spec'].get('gatewayClassName')} has looked at it")
    if programmed.get("status") == "True":
        return _listeners(obj)
    if accepted.get("status") == "False":
        return Status(False, str(accepted.get("message", "not accepted")), failed=True)
    return Status(False, str(programmed.get("message", "not programmed")))


def _listeners(gateway: Object) -> Status:
    """Proxies run and yet do not serve a listener, as for a certificate that is not there. It may come: who issues
    certificates begins when he finds the Gateway."""
    generation = gateway["metadata"].get("generation", 1)
    for listener in gateway["status"].get("listeners") or ():
        told = [_condition({"status": listener}, kind) for kind in ("ResolvedRefs", "Accepted", "Programmed")]
        for item in told:
            if item.get("status") == "False" and item.get("observedGeneration", 0) >= generation:
                return Status(False, f"listener {listener.get('name')}: {item.get('message') or item.get('reason')}")
    return READY


def _route(obj: Object) -> Status:
    """Of the Gateway API: who serves a Gateway that it names has taken it, and all that it refers to is there. What
    somebody told of an older generation, who need not be there any more, says nothing."""
    parents = obj.get("status", {}).get("parents") or ()
    if not parents:
        return Status(False, "no Gateway has taken it", failed=True, hint="look at its parentRefs")
    told = [_condition({"status": parent}, kind) for parent in parents for kind in ("Accepted", "ResolvedRefs")]
    fresh = [item for item in told if item.get("observedGeneration", 0) >= obj["metadata"].get("generation", 1)]
    refused = [item for item in fresh if item.get("status") != "True"]
    if refused:
        return Status(False, str(refused[0].get("message") or refused[0].get("reason")), failed=True)
    return READY if fresh else Status(False, "its controller has not seen the change yet")


def _namespace(obj: Object) -> Status:
    phase = obj.get("status", {}).get("phase", "Active")
    return READY if phase == "Active" else Status(False, f"phase {phase}", failed=True)


_RULES: dict[tuple[str, str], Callable[[Object], Status]] = {
    ("apps/v1", "Deployment"): _deployment,
    ("apps/v1", "StatefulSet"): _stateful_set,
    ("apps/v1", "DaemonSet"): _daemon_set,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): _definition,
    ("batch/v1", "Job"): _job,
    ("v1", "Pod"): _pod,
    ("v1", "PersistentVolumeClaim"): _claim,
    ("v1", "Service"): _service,
    ("v1", "Namespace"): _namespace,
    ("gateway.networking.k8s.io/v1", "Gateway"): _gateway,
    **{("gateway.networking.k8s.io/v1", kind): _route for kind in ("GRPCRoute", "HTTPRoute", "TLSRoute")},
}


def status_of(obj: Object) -> Status:
    """The status of an object as the API server last showed it; kinds without a rule are ready when they exist."""
    if obj["metadata"].get("deletionTimestamp"):
        return Status(False, "being deleted")
    rule = _RULES.get((obj["apiVersion"], obj["kind"]))
    if rule is None:
        return READY
    observed = obj.get("status", {}).get("observedGeneration")
    if observed is not None and observed < obj["metadata"].get("generation", 0):
        return Status(False, "the controller has not seen the change yet")
    return rule(obj)


def addresses(service: Mapping[str, Any]) -> list[str]:
    """The load balancer addresses (IP or host name) of a Service."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or ()
    return [entry.get("ip") or entry["hostname"] for entry in ingress]
