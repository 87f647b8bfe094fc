# SPDX-License-Identifier: Apache-2.0
"""Control planes as objects of a real API server: every profile and platform, revisions, what istiod writes."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from mesh.kube.cluster import Cluster
from mesh.model.errors import MeshError
from mesh.operations import support

CRD = "apiextensions.k8s.io/v1"
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
    for revision in ("default", "canary"):
        cluster.apply(lock(revision), "istiod", force=True)
    plane("absent")
    locks = cluster.list("coordination.k8s.io/v1", "Lease", "istio-system")
    assert [item["metadata"]["name"] for item in locks] == ["istio-gateway-deployment-canary"]
    assert cluster.get(WEBHOOKS, "ValidatingWebhookConfiguration", "", "istiod-default-validator") is None
    assert cluster.get("v1", "ServiceAccount", "istio-system", "istio-reader-service-account") is not None
    assert not plane(revision="canary").changed
    plane("absent", revision="canary")
    cluster.forget_kinds()
    definitions = [obj["metadata"]["name"] for obj in cluster.list(CRD, "CustomResourceDefinition")]
    assert [name for name in definitions if name.endswith(".istio.io")] == []
    assert cluster.get("v1", "Namespace", "", "istio-system") is None


def test_a_revision_that_names_no_network_leaves_that_of_the_cluster(api, clean, plane, cluster):
    def network():
        return cluster.get("v1", "Namespace", "", "istio-system")["metadata"].get("labels", {}).get(NETWORK)

    plane(network="one")
    plane(revision="canary")
    assert network() == "one"
    assert not plane(network="one").changed
    plane(revision="canary", network="two")
    assert network() == "two"
    plane("absent", revision="canary")
    plane()
    assert network() is None


NETWORK = "topology.istio.io/network"


def lock(revision):
    """As an istiod leaves it that ended in peace."""
    metadata = {"name": f"istio-gateway-deployment-{revision}", "namespace": "istio-system"}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {}}


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


@contextlib.contextmanager
def defined(cluster, group, kind, plural, **annotations):
    """A definition of somebody else, for the length of a block."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    name = f"{plural}.{group}"
    obj = {
        "apiVersion": CRD,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    cluster.apply(obj, "them")
    deadline = time.monotonic() + 30
    while cluster.resource(f"{group}/v1", kind) is None and time.monotonic() < deadline:
        time.sleep(0.1)
        cluster.forget_kinds()
    try:
        yield
    finally:
        cluster.transport.raw("DELETE", f"/apis/{CRD}/customresourcedefinitions/{name}")
        while cluster.get(CRD, "CustomResourceDefinition", "", name) and time.monotonic() < deadline:
            time.sleep(0.1)
        while cluster.resource(f"{group}/v1", kind) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
            cluster.forget_kinds()


def test_openshift_needs_multus_and_says_so(api, clean, plane, cluster):
    with pytest.raises(MeshError) as caught:
        plane(platform="openshift")
    assert (caught.value.code, str(caught.value)) == (
        "missing_dependency",
        "api: NetworkAttachmentDefinition default/istio-cni: the cluster does not serve "
        "k8s.cni.cncf.io/v1 NetworkAttachmentDefinition (install the CRD first, or correct apiVersion and kind)",
    )
    assert api.writes == []
    with defined(cluster, "k8s.cni.cncf.io", "NetworkAttachmentDefinition", "network-attachment-definitions"):
        assert "DaemonSet kube-system/istio-cni-node" in {str(c.ref) for c in plane(platform="openshift").objects}
        assert not plane(platform="openshift").changed
        assert api.writes == []
        plane("absent", platform="openshift")
        assert cluster.list("apps/v1", "DaemonSet", "kube-system") == []
        assert cluster.list("k8s.cni.cncf.io/v1", "NetworkAttachmentDefinition") == []


@pytest.mark.parametrize(
    ("istio", "server", "found"),
    [
        ("1.31.0", "1.31.9", [("error", "Kubernetes 1.31.9 is too old (Istio 1.31 supports 1.32 to 1.36)")]),
        ("1.31.0", "1.32.0", []),
        ("1.31.0", "1.36.3", []),
        ("1.31.0", "1.36.3-gke.1200", []),
        ("1.31.0", "1.37.0", [("warning", "Kubernetes 1.37.0 is untested (Istio 1.31 supports 1.32 to 1.36)")]),
        ("1.28.4", "1.29.0", [("error", "Kubernetes 1.29.0 is too old (Istio 1.28 supports 1.30 to 1.34)")]),
        ("9.9.0", "1.10.0", []),
    ],
)
def test_kubernetes_versions(istio, server, found):
    assert [(item.level, str(item.error)) for item in support.kubernetes(istio, server)] == found


def test_a_cluster_that_is_too_old_is_refused(api, clean, plane, monkeypatch):
    monkeypatch.setattr(Cluster, "server_version", "1.29.0")
    with pytest.raises(MeshError) as caught:
        plane()
    assert caught.value.code == "unsupported"
    assert str(caught.value).startswith("api: Kubernetes 1.29.0 is too old (Istio 1.")
    assert api.writes == []


@pytest.mark.parametrize(
    ("bundle", "warns"), [("v1.0.0", True), ("v1.1.0", False), ("v1.4.0-rc.1", False), ("main", False)]
)
def test_gateway_api_definitions_that_istiod_would_ignore_are_a_warning(plane, cluster, bundle, warns):
    marks = {
        "gateway.networking.k8s.io/bundle-version": bundle,
        "api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/1",
    }
    with defined(cluster, "gateway.networking.k8s.io", "GRPCRoute", "grpcroutes", **marks):
        text = (
            f"CustomResourceDefinition grpcroutes.gateway.networking.k8s.io: Gateway API {bundle} is older than v1.1; "
            "istiod ignores this kind (update the Gateway API definitions before the control plane)"
        )
        assert plane(check=True).warnings == ([text] if warns else [])


def test_an_injector_of_somebody_else_for_the_default_conflicts(api, clean, plane, cluster):
    """As istioctl's tag command leaves it."""
    selector = {"matchExpressions": [{"key": "istio-injection", "operator": "In", "values": ["enabled"]}]}
    tag = {
        "apiVersion": WEBHOOKS,
        "kind": "MutatingWebhookConfiguration",
        "metadata": {
            "name": "istio-revision-tag-default",
            "labels": {"istio.io/rev": "old", "istio.io/tag": "default"},
        },
        "webhooks": [
            {
                "name": "namespace.sidecar-injector.istio.io",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": "https://127.0.0.1:1/inject"},
                "failurePolicy": "Ignore",
                "namespaceSelector": selector,
                "objectSelector": {"matchLabels": {"test": "never"}},
                "sideEffects": "None",
            }
        ],
    }
    cluster.apply(tag, "istioctl")
    try:
        with pytest.raises(MeshError) as caught:
            plane()
    finally:
        cluster.transport.raw("DELETE", f"/apis/{WEBHOOKS}/mutatingwebhookconfigurations/istio-revision-tag-default")
    assert caught.value.code == "webhook_conflict"
    assert str(caught.value) == (
        "api: MutatingWebhookConfiguration istio-revision-tag-default: already injects namespaces with "
        "istio-injection=enabled, for revision old "
        "(remove the default tag first, or install under another revision)"
    )
    assert not [write for write in api.writes if "istio-revision-tag-default" not in write]
