# SPDX-License-Identifier: Apache-2.0
"""Gateways as objects of a real API server: every type, what others keep on them, and how they leave."""

from __future__ import annotations

import json

import pytest
from mesh.model.errors import MeshError

from .injectors import injector, installed


@pytest.fixture
def gateway(api, lab, cluster, namespace):
    """Declares a gateway `gw` in the test's namespace, where a default revision injects."""

    def declare(state="present", check=False, **data):
        declared = {"name": "gw", "namespace": namespace, "charts": {"path": lab.charts}, **data}
        return api("gateway", declared, state, check)

    with installed(cluster, injector("test-default", {"istio.io/rev": "default"}, default=True)):
        yield declare


def service(cluster, namespace, name="gw"):
    return cluster.get("v1", "Service", namespace, name)


@pytest.mark.parametrize(
    ("declared", "kind", "ports"),
    [
        ({}, "LoadBalancer", {"status-port": 15021, "http2": 80, "https": 443}),
        ({"type": "egress"}, "ClusterIP", {"status-port": 15021, "http2": 80, "https": 443}),
        ({"type": "egress", "service_type": "NodePort"}, "NodePort", {"status-port": 15021, "http2": 80, "https": 443}),
        ({"type": "eastwest", "network": "net"}, "LoadBalancer", {"tls": 15443, "tls-istiod": 15012}),
        ({"ports": [{"name": "tcp", "port": 9000}], "service_type": "ClusterIP"}, "ClusterIP", {"tcp": 9000}),
        ({"service_type": "None"}, None, {}),
        ({"replicas": 2, "service_annotations": {"a": "b"}}, "LoadBalancer", {"http2": 80}),
        ({"min_replicas": 2, "max_replicas": 3, "labels": {"app": "edge"}}, "LoadBalancer", {"http2": 80}),
        ({"image_pull_policy": "IfNotPresent", "image_pull_secrets": ["s"]}, "LoadBalancer", {"http2": 80}),
        ({"ip_families": ["IPv4"], "ip_family_policy": "PreferDualStack"}, "LoadBalancer", {"http2": 80}),
    ],
)
def test_made_as_declared_then_kept_without_a_write(api, cluster, namespace, gateway, declared, kind, ports):
    report = gateway(**declared)
    made = service(cluster, namespace)
    assert (made and made["spec"]["type"]) == kind
    assert ports.items() <= report.result["ports"].items()
    assert cluster.get("apps/v1", "Deployment", namespace, "gw")["spec"]["selector"]["matchLabels"]["istio"] == "gw"
    assert not gateway(**declared).changed
    assert api.writes == []


def test_what_others_keep_on_it_is_left_to_them(api, cluster, namespace, gateway):
    """The autoscaler's replicas, a node port, the load balancer's annotations."""
    gateway()
    live = cluster.get("apps/v1", "Deployment", namespace, "gw")
    live["spec"]["replicas"] = 4
    del live["metadata"]["resourceVersion"]  # the Deployment controller writes status at the same time
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/gw"
    cluster.transport.raw("PUT", path, query={"fieldManager": "autoscaler"}, body=json.dumps(live).encode())
    before = service(cluster, namespace)
    del before["metadata"]["resourceVersion"]
    before["metadata"].setdefault("annotations", {})["cloud.example.com/balancer"] = "lb-1"
    path = f"/api/v1/namespaces/{namespace}/services/gw"
    cluster.transport.raw("PUT", path, query={"fieldManager": "cloud"}, body=json.dumps(before).encode())
    assert not gateway().changed
    assert api.writes == []
    assert gateway(labels={"edge": "yes"}).changed
    after = service(cluster, namespace)
    assert cluster.get("apps/v1", "Deployment", namespace, "gw")["spec"]["replicas"] == 4
    assert after["metadata"]["annotations"]["cloud.example.com/balancer"] == "lb-1"
    assert [port["nodePort"] for port in after["spec"]["ports"]] == [
        port["nodePort"] for port in before["spec"]["ports"]
    ]


def test_a_fixed_number_of_pods_takes_the_autoscaler_away(cluster, namespace, gateway):
    gateway()
    assert cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", namespace, "gw") is not None
    gateway(replicas=3)
    assert cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", namespace, "gw") is None
    assert cluster.get("apps/v1", "Deployment", namespace, "gw")["spec"]["replicas"] == 3


def test_the_namespace_that_it_makes_goes_with_it(api, cluster, namespace, gateway):
    made = f"{namespace}-made"
    gateway(namespace=made)
    assert not gateway(namespace=made).changed
    gateway("absent", namespace=made)
    assert cluster.get("v1", "Namespace", "", made) is None
    assert not gateway("absent", namespace=made).changed
    assert api.writes == []


def test_one_of_two_leaves_and_harms_nothing(api, cluster, namespace, gateway):
    gateway()
    gateway(name="other")
    gateway("absent")
    assert service(cluster, namespace) is None
    assert not gateway(name="other").changed
    assert api.writes == []
    gateway("absent", name="other")
    assert "deletionTimestamp" not in cluster.get("v1", "Namespace", "", namespace)["metadata"]


def test_released_runs_on_without_us(api, cluster, namespace, gateway):
    gateway()
    gateway("released")
    left = service(cluster, namespace)
    assert "applyset.kubernetes.io/part-of" not in left["metadata"]["labels"]
    assert not gateway("absent").changed
    assert service(cluster, namespace) is not None


def test_without_an_injector_it_is_refused_but_planned(api, lab, namespace):
    declared = {"name": "gw", "namespace": namespace, "revision": "nowhere", "charts": {"path": lab.charts}}
    with pytest.raises(MeshError) as caught:
        api("gateway", declared)
    assert (caught.value.code, str(caught.value)) == (
        "missing_dependency",
        "api: revision nowhere: no revision or tag of that name is installed "
        "(apply the control plane or the tag first)",
    )
    assert api.writes == []
    told = api("gateway", declared, check=True)
    assert told.changed
    assert told.warnings == [
        f"{str(caught.value).removeprefix('api: ')}; a real run stops here, unless an earlier step changes that"
    ]
    assert api.writes == []


def test_a_namespace_that_refuses_injection_is_named(api, cluster, namespace, gateway):
    marked = {"name": namespace, "labels": {"istio-injection": "disabled"}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": marked}, "them")
    with pytest.raises(MeshError) as caught:
        gateway()
    assert (caught.value.code, str(caught.value)) == (
        "missing_dependency",
        f"api: Namespace {namespace}: has istio-injection=disabled, so the gateway would get no proxy "
        "(choose another namespace)",
    )
    assert api.writes == []


def test_values_win_and_say_so(gateway):
    report = gateway(check=True, service_type="ClusterIP", values={"service": {"type": "NodePort"}})
    assert report.warnings == ["values.service.type overrules a typed option"]
