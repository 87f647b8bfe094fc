# SPDX-License-Identifier: Apache-2.0
"""Order, readiness, narration: tables."""

from __future__ import annotations

import pytest
from mesh.apply.inventory import hints_of
from mesh.apply.narration import headline, lines
from mesh.apply.readiness import addresses, status_of
from mesh.apply.stages import Stage, removal_stages, stage_of, stages
from mesh.model.objects import GroupKind, ObjectSet, Ref
from mesh.model.options import Mode
from mesh.operations import support
from mesh.plan.changes import Change, Plan

SET = ObjectSet("s", "ns", "me")


def change(kind, name="x", action="create", group=""):
    return Change(Ref(group, kind, "ns", name), action, SET)


@pytest.mark.parametrize(
    ("group", "kind", "stage"),
    [
        ("", "Namespace", Stage.NAMESPACES),
        ("apiextensions.k8s.io", "CustomResourceDefinition", Stage.DEFINITIONS),
        ("", "Service", Stage.CONFIGURATION),
        ("apps", "Deployment", Stage.WORKLOADS),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", Stage.WEBHOOKS),
        ("networking.istio.io", "VirtualService", Stage.CUSTOM),
        ("serving.knative.dev", "Service", Stage.CUSTOM),
        ("gateway.networking.k8s.io", "Gateway", Stage.CUSTOM),
    ],
)
def test_stage(group, kind, stage):
    assert stage_of(Ref(group, kind, "", "x")) is stage


def test_order_of_application_and_removal():
    changes = [change("Deployment"), change("VirtualService", group="networking.istio.io"), change("Namespace")]
    assert [stage for stage, _ in stages(changes)] == [Stage.NAMESPACES, Stage.WORKLOADS, Stage.CUSTOM]
    assert [stage for stage, _ in removal_stages(changes)] == [Stage.CUSTOM, Stage.WORKLOADS, Stage.NAMESPACES]


def deployment(replicas=1, generation=1, **status):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "generation": generation},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 1, **status},
    }


def simple(api_version, kind, **body):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **body}


@pytest.mark.parametrize(
    ("obj", "ready", "failed"),
    [
        (deployment(updatedReplicas=1, availableReplicas=1, replicas=1), True, False),
        (deployment(2, updatedReplicas=2, availableReplicas=1), False, False),
        (deployment(generation=2, updatedReplicas=1, availableReplicas=1), False, False),
        (
            deployment(updatedReplicas=1, availableReplicas=1) | {"status": {"replicas": 2, "updatedReplicas": 1}},
            False,
            False,
        ),
        (deployment(0), True, False),
        (deployment(conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]), False, True),
        (simple("apps/v1", "DaemonSet", spec={}, status={}), False, False),
        (
            simple("apps/v1", "DaemonSet", spec={}, status={"observedGeneration": 1, "desiredNumberScheduled": 0}),
            True,
            False,
        ),
        (simple("v1", "Service", spec={"type": "LoadBalancer"}), False, False),
        (simple("v1", "Service", spec={"type": "ClusterIP"}), True, False),
        (
            simple(
                "v1",
                "Service",
                spec={"type": "LoadBalancer"},
                status={"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}},
            ),
            True,
            False,
        ),
        (simple("v1", "ConfigMap"), True, False),
        (simple("v1", "ConfigMap") | {"metadata": {"name": "x", "deletionTimestamp": "now"}}, False, False),
        (simple("v1", "Namespace", status={"phase": "Terminating"}), False, True),
        (simple("batch/v1", "Job", status={"conditions": [{"type": "Failed", "status": "True"}]}), False, True),
        (simple("batch/v1", "Job", status={"conditions": [{"type": "Complete", "status": "True"}]}), True, False),
        (
            simple(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                status={"conditions": [{"type": "NamesAccepted", "status": "False", "message": "taken"}]},
            ),
            False,
            True,
        ),
    ],
)
def test_readiness(obj, ready, failed):
    status = status_of(obj)
    assert (status.ready, status.failed) == (ready, failed)
    assert status.ready or status.reason


def test_addresses_are_names_or_numbers():
    service = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example.com"}]}}}
    assert addresses(service) == ["192.0.2.1", "lb.example.com"]
    assert addresses({}) == []


def test_hints_name_kinds_and_other_namespaces():
    hints = hints_of(
        [Ref("apps", "Deployment", "ns", "a"), Ref("", "ConfigMap", "other", "b"), Ref("", "X", "", "c")], "ns"
    )
    assert hints.kinds == {GroupKind("apps", "Deployment"), GroupKind("", "ConfigMap"), GroupKind("", "X")}
    assert hints.namespaces == {"other"}


def test_the_plan_as_people_read_it():
    plan = Plan([change("ConfigMap", f"c{i:02}") for i in range(14)] + [change("Service", action="delete")])
    assert headline(plan, Mode()) == "14 create, 0 change, 1 delete"
    assert headline(plan, Mode(check=True)) == "14 create, 0 change, 1 delete (check mode)"
    assert headline(Plan([change("ConfigMap", action="unchanged")]), Mode()) == "no changes, 1 object as declared"
    told = list(lines(plan))
    assert told[0] == "  + ConfigMap ns/c00"
    assert told[12:] == ["  + and 2 more", "  - Service ns/x"]


@pytest.mark.parametrize(
    ("istio", "kubernetes", "levels"),
    [
        ("1.31.0", "1.31.9", ["error"]),
        ("1.31.0", "1.32.0", []),
        ("1.31.0", "1.36.3", []),
        ("1.31.0", "1.37.0", ["warning"]),
        ("9.9.0", "1.10.0", []),
    ],
)
def test_kubernetes_window(istio, kubernetes, levels):
    assert [finding.level for finding in support.kubernetes(istio, kubernetes)] == levels


@pytest.mark.parametrize(("bundle", "count"), [("v1.4.1", 1), ("v1.5.0", 0), ("v1.6.0", 0)])
def test_gateway_api_that_istiod_would_ignore(bundle, count):
    annotations = {"gateway.networking.k8s.io/bundle-version": bundle}
    definition = {"metadata": {"name": "tlsroutes.gateway.networking.k8s.io", "annotations": annotations}}
    assert len(list(support.gateway_api("1.31.0", [definition]))) == count
