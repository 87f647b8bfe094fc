# SPDX-License-Identifier: Apache-2.0
"""Control planes as objects of a real API server: every profile and platform, revisions, what istiod writes."""

from __future__ import annotations

import json

import pytest
from mesh.model.errors import MeshError

WEBHOOKS = "admissionregistration.k8s.io/v1"


@pytest.fixture(scope="module")
def plane(api, lab):
    """Declares a control plane by charts of the lab; what is there stays for the next test, to be changed."""

    def declare(state="present", check=False, **data):
        return api("control_plane", {"charts": {"path": lab.charts}, **data}, state, check, wait_timeout=30)

    yield declare
    declare("absent")


@pytest.fixture
def clean(plane):
    """No control plane, before and after."""
    plane("absent")
    yield
    plane("absent")


@pytest.mark.parametrize(
    ("declared", "marks"),
    [
        ({}, {"Deployment istio-system/istiod", "ValidatingWebhookConfiguration istiod-default-validator"}),
        ({"profile": "minimal"}, {"Deployment istio-system/istiod"}),
        ({"profile": "demo"}, {"Deployment istio-system/istiod"}),
        ({"profile": "stable"}, {"ValidatingAdmissionPolicy stable-channel-policy-istio-system.istio.io"}),
        ({"profile": "ambient"}, {"DaemonSet istio-system/ztunnel", "DaemonSet istio-system/istio-cni-node"}),
        ({"profile": "remote", "remote_address": "192.0.2.10"}, {"Service istio-system/istiod"}),
        ({"platform": "gke", "cni": True}, {"ResourceQuota istio-system/istio-cni-resource-quota"}),
        ({"platform": "k3s", "cni": True}, {"DaemonSet istio-system/istio-cni-node"}),
        ({"platform": "aks"}, {"MutatingWebhookConfiguration istio-sidecar-injector"}),
        ({"platform": "eks"}, {"Deployment istio-system/istiod"}),
        ({"platform": "minikube", "profile": "ambient"}, {"DaemonSet istio-system/istio-cni-node"}),
        ({"revision": "canary"}, {"Deployment istio-system/istiod-canary"}),
        ({"ip_families": ["IPv4"], "ip_family_policy": "PreferDualStack"}, {"Service istio-system/istiod"}),
        ({"network": "net", "mesh_id": "m", "trust_domain": "td.example"}, {"Namespace istio-system"}),
    ],
)
def test_profiles_and_platforms_are_accepted_and_kept(api, plane, declared, marks):
    report = plane(**declared)
    assert marks <= {str(change.ref) for change in report.objects}
    again = plane(**declared)
    writes = list(api.writes)
    if "revision" in declared:
        plane("absent", **declared)
    assert [change.as_dict() for change in again.objects if change.action != "unchanged"] == []
    assert writes == []


def test_ambient_parts_leave_with_the_profile(plane, cluster):
    plane(profile="ambient")
    plane()
    assert cluster.list("apps/v1", "DaemonSet", "istio-system") == []
    assert cluster.get("v1", "ConfigMap", "istio-system", "meshops-ztunnel") is None


def test_what_istiod_writes_is_never_taken_back(api, plane, cluster):
    plane()
    for kind, name in (
        ("MutatingWebhookConfiguration", "istio-sidecar-injector"),
        ("ValidatingWebhookConfiguration", "istiod-default-validator"),
    ):
        live = cluster.get(WEBHOOKS, kind, "", name)
        for webhook in live["webhooks"]:
            webhook["clientConfig"]["caBundle"] = "Q0E="
            webhook["failurePolicy"] = "Fail"
        cluster.transport.raw(
            "PUT",
            f"/apis/{WEBHOOKS}/{kind.lower()}s/{name}",
            query={"fieldManager": "pilot-discovery"},
            body=json.dumps(live).encode(),
        )
    assert not plane().changed
    assert api.writes == []
    assert plane(trust_domain="td.example").changed
    for kind, name in (
        ("MutatingWebhookConfiguration", "istio-sidecar-injector"),
        ("ValidatingWebhookConfiguration", "istiod-default-validator"),
    ):
        webhooks = cluster.get(WEBHOOKS, kind, "", name)["webhooks"]
        assert {(w["clientConfig"].get("caBundle"), w["failurePolicy"]) for w in webhooks} == {("Q0E=", "Fail")}


def test_revisions_stand_side_by_side_and_the_last_takes_the_base(api, clean, plane, cluster):
    plane()
    plane(revision="canary")
    assert not plane().changed
    assert not plane(revision="canary").changed
    plane("absent")
    assert cluster.get(WEBHOOKS, "ValidatingWebhookConfiguration", "", "istiod-default-validator") is None
    assert cluster.get("v1", "ServiceAccount", "istio-system", "istio-reader-service-account") is not None
    assert not plane(revision="canary").changed
    plane("absent", revision="canary")
    cluster.forget_kinds()
    assert cluster.list("apiextensions.k8s.io/v1", "CustomResourceDefinition") == []
    assert cluster.get("v1", "Namespace", "", "istio-system") is None


def test_a_default_tag_of_another_revision_conflicts(api, clean, plane):
    plane(revision="canary")
    api("revision_tag", {"tag": "default", "revision": "canary"})
    with pytest.raises(MeshError) as caught:
        plane()
    assert caught.value.code == "webhook_conflict"
    assert api.writes == []
    with pytest.raises(MeshError) as caught:
        plane("absent", revision="canary")
    assert caught.value.code == "in_use"
    api("revision_tag", {"tag": "default", "revision": "canary"}, "absent")
    plane("absent", revision="canary")


def test_helm_installed_objects_are_refused(api, clean, plane, cluster):
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "istio-reader-service-account",
            "namespace": "default",
            "annotations": {"meta.helm.sh/release-name": "istio-base"},
        },
    }
    cluster.apply(account, "helm")
    with pytest.raises(MeshError) as caught:
        plane(namespace="default")
    assert str(caught.value) == (
        "api: ServiceAccount default/istio-reader-service-account: belongs to Helm release (istio-base) "
        "(set adopt to take it over)"
    )
    assert api.writes == []
    cluster.transport.raw("DELETE", "/api/v1/namespaces/default/serviceaccounts/istio-reader-service-account")


def test_values_that_overrule_typed_options_warn(plane):
    report = plane(check=True, mesh_id="one", values={"global": {"meshID": "two"}})
    assert report.warnings == ["values.global.meshID overrules a typed option"]
