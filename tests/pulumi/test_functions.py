# SPDX-License-Identifier: Apache-2.0
"""Functions answer as their schema says."""

from __future__ import annotations

import pulumi
import pytest
from mesh.model.objects import Ref
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from pulumi import automation

import pulumi_mesh as mesh
from tests.api.registered import register
from tests.configured import workload_kinds

from .conftest import API
from .programs import config_map

IMAGE = "docker.io/istio/proxyv2:1.31.0"


def a_mesh(namespace):
    """One of everything that a mesh leaves in a namespace, as somebody else would have made it."""
    labels = {"app": "istiod", "istio.io/rev": "default"}
    container = {"name": "istio-proxy", "image": IMAGE}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    marks = {
        "labels": {"service.istio.io/canonical-name": "shop"},
        "annotations": {"sidecar.istio.io/status": '{"revision": "default"}'},
    }
    deployment = {"selector": {"matchLabels": labels}, "template": template}
    found = [
        ("apps/v1", "Deployment", {"name": "istiod", "labels": labels}, {"spec": deployment}),
        ("v1", "Pod", {"name": "shop", **marks}, {"spec": {"containers": [container]}}),
        ("v1", "Service", {"name": "edge", "labels": {"istio": "edge"}}, {"spec": {"ports": [{"port": 80}]}}),
    ]
    for api_version, kind, metadata, content in found:
        yield {"apiVersion": api_version, "kind": kind, "metadata": {**metadata, "namespace": namespace}, **content}


@pytest.fixture
def host(lab, cluster, namespace):
    """A host outside Kubernetes of which nothing tells whether it is healthy."""
    with workload_kinds(cluster, lab.charts):
        register(cluster, namespace, "192.0.2.1")
        yield


def test_answers_are_as_declared(lab, cluster, namespace, stack, host):
    for obj in a_mesh(namespace):
        cluster.apply(obj, "somebody")
    cluster.merge_patch(Ref("", "Namespace", "", namespace), {"metadata": {"labels": {"istio.io/rev": "default"}}})

    def program():
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
        on = pulumi.ResourceOptions(provider=provider)
        declared = {"name": "traffic", "namespace": namespace, "objects": [config_map("a", level="info")]}
        made = mesh.ConfigSet("traffic", declared, on)
        asked = pulumi.InvokeOutputOptions(provider=provider, depends_on=[made])
        pulumi.export("mesh_info", mesh.get_mesh(asked, namespace=namespace))
        groups = [f"{namespace}/ratings"]
        pulumi.export("mesh_verify", mesh.verify_mesh(asked, namespace=namespace, workload_groups=groups))
        pulumi.export("rbac", mesh.rbac(asked, declarations=[{"config_set": declared}]))

    told = stack.run("up", program).outputs
    for name, answer in told.items():
        parse(OPERATIONS[name].returns, answer)
    found = told["mesh_info"]
    assert [(item["revision"], item["version"], item["proxies"]) for item in found["revisions"]] == [
        ("default", "1.31.0", 1)
    ]
    assert {"namespace": namespace, "policy": "istio.io/rev=default"} in found["namespaces"]
    assert [item["ports"] for item in found["gateways"] if item["namespace"] == namespace] == [[80]]
    assert [item["set"] for item in found["sets"] if item["namespace"] == namespace] == ["config-traffic"]
    assert {item["image"] for item in found["proxies"] if item["namespace"] == namespace} == {IMAGE}
    assert [(item["address"], item["connected"]) for item in found["workloads"]] == [("192.0.2.1", True)]
    assert 'group="ratings"' in found["metrics"]
    hops = {item["about"]: item["passed"] for item in told["mesh_verify"]["evidence"] if item["hop"] == "workloads"}
    assert hops == {f"group {namespace}/ratings": True, "all namespaces": True}
    assert not told["mesh_verify"]["healthy"]
    assert told["mesh_verify"]["broken"].startswith("control-plane: revision default: ")
    assert {obj["kind"] for obj in told["rbac"]["objects"]} >= {"Role"}
    assert "kind: Role" in told["rbac"]["yaml"]
    stack.run("destroy", program)


def test_a_wrong_argument_is_named(lab, stack):
    def program():
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
        pulumi.export("mesh", mesh.get_mesh(pulumi.InvokeOptions(provider=provider), namespace="Not_A_Name"))

    with pytest.raises(automation.CommandError, match="namespace"):
        stack.run("up", program)
