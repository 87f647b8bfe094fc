# SPDX-License-Identifier: Apache-2.0
"""When objects of each kind are ready, not ready yet, or not expected to become so."""

from __future__ import annotations

import pytest
from mesh.apply.readiness import addresses, status_of

READY, WAITING, FAILED = "ready", "waiting", "failed"
VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "Gateway": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}


def state(obj):
    status = status_of(obj)
    assert bool(status.reason) is not status.ready, "whoever waits says why"
    return FAILED if status.failed else READY if status.ready else WAITING


def made(kind, spec=None, status=None, **metadata):
    obj = {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": {"name": "x", "generation": 1, **metadata}}
    return {**obj, "spec": spec or {}, **({"status": status} if status is not None else {})}


def condition(kind, value="True", **more):
    return {"conditions": [{"type": "Other", "status": "True"}, {"type": kind, "status": value, **more}]}


def scaled(replicas, updated, available):
    return {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available}


LATE = condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="too late")


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, None, WAITING),
        ({}, {}, WAITING),
        ({}, scaled(1, 1, 1), READY),
        ({"replicas": 0}, {"observedGeneration": 1}, READY),
        ({"replicas": 2}, scaled(2, 1, 2), WAITING),
        ({"replicas": 2}, scaled(3, 2, 3), WAITING),
        ({"replicas": 2}, scaled(2, 2, 1), WAITING),
        ({"replicas": 2}, scaled(2, 2, 2), READY),
        ({}, {**scaled(1, 1, 1), "observedGeneration": 0}, WAITING),
        ({}, {**scaled(1, 1, 0), **LATE}, FAILED),
        ({}, {**scaled(1, 1, 1), **condition("Progressing", reason="NewReplicaSetAvailable")}, READY),
    ],
)
def test_deployment(spec, status, expected):
    assert state(made("Deployment", spec, status)) == expected


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, None, WAITING),
        ({"replicas": 2}, {"readyReplicas": 2, "updatedReplicas": 1}, WAITING),
        ({"replicas": 2}, {"readyReplicas": 1, "updatedReplicas": 2}, WAITING),
        ({"replicas": 2}, {"readyReplicas": 2, "updatedReplicas": 2}, READY),
        ({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}, {"readyReplicas": 2, "updatedReplicas": 0}, READY),
        ({"replicas": 0}, {}, READY),
        (
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {"readyReplicas": 3, "updatedReplicas": 1},
            READY,
        ),
        (
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            {"readyReplicas": 3, "updatedReplicas": 1},
            WAITING,
        ),
    ],
)
def test_stateful_set(spec, status, expected):
    assert state(made("StatefulSet", spec, status)) == expected


def scheduled(wanted, updated, available):
    return {
        "observedGeneration": 1,
        "desiredNumberScheduled": wanted,
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, WAITING),
        ({"desiredNumberScheduled": 0}, WAITING),
        ({"observedGeneration": 1, "desiredNumberScheduled": 0}, READY),
        (scheduled(2, 1, 2), WAITING),
        (scheduled(2, 2, 1), WAITING),
        (scheduled(2, 2, 2), READY),
        ({**scheduled(2, 2, 2), "observedGeneration": 0}, WAITING),
    ],
)
def test_daemon_set(status, expected):
    assert state(made("DaemonSet", None, status)) == expected


def test_a_daemon_set_that_is_updated_by_hand():
    by_hand = {"updateStrategy": {"type": "OnDelete"}}
    assert state(made("DaemonSet", by_hand, scheduled(2, 0, 2))) == READY


def test_a_suspended_job_is_as_ready_as_it_gets():
    assert state(made("Job", {"suspend": True}, None)) == READY


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("CustomResourceDefinition", None, WAITING),
        ("CustomResourceDefinition", condition("Established"), READY),
        ("CustomResourceDefinition", condition("Established", "False"), WAITING),
        ("CustomResourceDefinition", condition("NamesAccepted", "False", message="taken"), FAILED),
        ("Job", None, WAITING),
        ("Job", condition("Complete"), READY),
        ("Job", condition("Failed", message="deadline"), FAILED),
        ("Job", condition("Failed", "False"), WAITING),
        ("Pod", None, WAITING),
        ("Pod", {"phase": "Running", **condition("Ready")}, READY),
        ("Pod", {"phase": "Running", **condition("Ready", "False")}, WAITING),
        ("Pod", {"phase": "Succeeded"}, READY),
        ("Pod", {"phase": "Failed"}, FAILED),
        ("PersistentVolumeClaim", {"phase": "Pending"}, READY),
        ("PersistentVolumeClaim", {"phase": "Lost"}, FAILED),
        ("PersistentVolumeClaim", {"phase": "Bound"}, READY),
        ("Namespace", None, READY),
        ("Namespace", {"phase": "Active"}, READY),
        ("Namespace", {"phase": "Terminating"}, FAILED),
        ("ConfigMap", None, READY),
    ],
)
def test_other_kinds(kind, status, expected):
    assert state(made(kind, None, status)) == expected


def ingress(*entries):
    return {"loadBalancer": {"ingress": list(entries)}}


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({}, None, READY),
        ({"type": "ClusterIP"}, ingress(), READY),
        ({"type": "LoadBalancer"}, None, WAITING),
        ({"type": "LoadBalancer"}, {"loadBalancer": {}}, WAITING),
        ({"type": "LoadBalancer"}, ingress({"ip": "192.0.2.1"}), READY),
        ({"type": "LoadBalancer"}, ingress({"hostname": "lb.example.com"}), READY),
        ({"type": "LoadBalancer", "externalIPs": ["192.0.2.1"]}, None, READY),
    ],
)
def test_service(spec, status, expected):
    assert state(made("Service", spec, status)) == expected


@pytest.mark.parametrize("kind", ["ConfigMap", "Deployment", "Namespace", "Job"])
def test_what_is_being_deleted_is_not_ready(kind):
    obj = made(kind, {"replicas": 0}, condition("Complete"), deletionTimestamp="2026-01-01T00:00:00Z")
    assert status_of(obj).reason == "being deleted"


def test_a_kind_of_another_group_has_no_rule():
    assert state({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "x"}}) == READY


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (scaled(2, 1, 1), "1 of 2 replicas updated"),
        (scaled(4, 2, 2), "2 old replicas left"),
        (scaled(2, 2, 1), "1 of 2 replicas available"),
        (LATE, "too late"),
    ],
)
def test_reasons_count(status, reason):
    assert status_of(made("Deployment", {"replicas": 2}, status)).reason == reason


def test_addresses():
    assert addresses(made("Service", None, ingress({"ip": "192.0.2.1"}, {"hostname": "a"}))) == ["192.0.2.1", "a"]
    assert addresses({}) == []


def told(accepted, programmed, seen=1):
    conditions = [("Accepted", accepted), ("Programmed", programmed)]
    return {"conditions": [{"type": t, "status": s, "message": "x", "observedGeneration": seen} for t, s in conditions]}


def listener(*, seen=1, **said):
    told = {"Accepted": "True", "Conflicted": "False", "Programmed": "True", "ResolvedRefs": "True", **said}
    conditions = [{"type": t, "status": s, "message": "x", "observedGeneration": seen} for t, s in told.items()]
    return {"name": "https", "conditions": conditions}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, WAITING),
        ({"conditions": [{"type": "Programmed", "status": "Unknown", "message": "Waiting for controller"}]}, WAITING),
        (told("True", "False"), WAITING),
        (told("False", "False"), FAILED),
        (told("True", "True"), READY),
        (told("True", "True", seen=0), WAITING),
        ({**told("True", "True"), "listeners": [listener(), listener()]}, READY),
        ({**told("True", "True"), "listeners": [listener(), listener(ResolvedRefs="False")]}, WAITING),
        ({**told("True", "True"), "listeners": [listener(Programmed="False")]}, WAITING),
        ({**told("True", "True"), "listeners": [listener(seen=0, ResolvedRefs="False")]}, READY),
    ],
)
def test_gateway_of_the_gateway_api(status, expected):
    assert state(made("Gateway", {"gatewayClassName": "istio"}, status)) == expected


def taken(*parents):
    """What each controller says of a route: whether it took it, whether all is there, and of which generation."""
    return {"parents": [told_of(*parent) for parent in parents]}


def told_of(accepted, resolved, seen=1):
    conditions = [("Accepted", accepted), ("ResolvedRefs", resolved)]
    return {"conditions": [{"type": t, "status": s, "message": "x", "observedGeneration": seen} for t, s in conditions]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, FAILED),
        ({"parents": []}, FAILED),
        (taken(("True", "True")), READY),
        (taken(("True", "False")), FAILED),
        (taken(("False", "True")), FAILED),
        (taken(("True", "True", 0)), WAITING),
        (taken(("True", "True"), ("False", "False", 0)), READY),
        (taken(("True", "True"), ("True", "False")), FAILED),
    ],
)
def test_route_of_the_gateway_api(status, expected):
    assert state(made("HTTPRoute", {}, status)) == expected
