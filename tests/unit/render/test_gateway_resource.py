# SPDX-License-Identifier: Apache-2.0
"""Gateways and waypoints as resources of the Gateway API."""

from __future__ import annotations

import json

import pytest
from mesh.model.spec import parse
from mesh.model.specs.gateway import GatewaySpec
from mesh.model.specs.waypoint import WaypointSpec
from mesh.render import gateway_resource

HTTP = {"name": "http", "port": 80}


def gateway(**declared):
    objects = gateway_resource.gateway(parse(GatewaySpec, {"name": "gw", "namespace": "edge", **declared}))
    return objects[-1], objects[:-1]


def overlays(options):
    """What the ConfigMap says, read."""
    return {key: json.loads(text) for key, text in options[0]["data"].items()}


@pytest.mark.parametrize(
    ("declared", "listener"),
    [
        (HTTP, {**HTTP, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "Same"}}}),
        (
            {"name": "s", "port": 443, "protocol": "HTTPS", "hostname": "*.a.test", "certificates": ["tls", "b/tls"]},
            {
                "name": "s",
                "port": 443,
                "protocol": "HTTPS",
                "hostname": "*.a.test",
                "tls": {
                    "certificateRefs": [
                        {"kind": "Secret", "name": "tls"},
                        {"kind": "Secret", "name": "tls", "namespace": "b"},
                    ]
                },
                "allowedRoutes": {"namespaces": {"from": "Same"}},
            },
        ),
        (
            {"name": "t", "port": 8443, "protocol": "TLS", "tls_mode": "Passthrough", "routes_from": "All"},
            {
                "name": "t",
                "port": 8443,
                "protocol": "TLS",
                "tls": {"mode": "Passthrough"},
                "allowedRoutes": {"namespaces": {"from": "All"}},
            },
        ),
    ],
)
def test_listeners(declared, listener):
    made, options = gateway(listeners=[declared])
    assert made["spec"]["listeners"] == [listener]
    assert (made["spec"]["gatewayClassName"], options) == ("istio", [])
    assert made["spec"]["infrastructure"] == {"labels": {"istio": "gw"}}


@pytest.mark.parametrize(
    ("declared", "labels", "annotations"),
    [
        ({}, {}, {}),
        ({"revision": "canary"}, {"istio.io/rev": "canary"}, {}),
        ({"service_type": "NodePort"}, {}, {"networking.istio.io/service-type": "NodePort"}),
        ({"type": "egress"}, {}, {"networking.istio.io/service-type": "ClusterIP"}),
        ({"type": "egress", "service_type": "LoadBalancer"}, {}, {"networking.istio.io/service-type": "LoadBalancer"}),
    ],
)
def test_what_the_gateway_itself_says(declared, labels, annotations):
    made, _options = gateway(listeners=[HTTP], **declared)
    assert made["metadata"]["labels"] == labels
    assert made["metadata"].get("annotations", {}) == annotations


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"replicas": 2}, {"deployment": {"spec": {"replicas": 2}}}),
        (
            {"min_replicas": 2, "max_replicas": 4},
            {"horizontalPodAutoscaler": {"spec": {"minReplicas": 2, "maxReplicas": 4}}},
        ),
        ({"service_annotations": {"a": "b"}}, {"service": {"metadata": {"annotations": {"a": "b"}}}}),
        (
            {"listeners": [{**HTTP, "node_port": 30080}]},
            {"service": {"spec": {"ports": [{"port": 80, "nodePort": 30080}]}}},
        ),
        (
            {"ip_families": ["IPv6"], "ip_family_policy": "SingleStack"},
            {"service": {"spec": {"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"}}},
        ),
        (
            {"replicas": 1, "image_pull_policy": "Never", "image_pull_secrets": ["s"]},
            {
                "deployment": {
                    "spec": {
                        "replicas": 1,
                        "template": {
                            "spec": {
                                "containers": [{"name": "istio-proxy", "imagePullPolicy": "Never"}],
                                "imagePullSecrets": [{"name": "s"}],
                            }
                        },
                    }
                }
            },
        ),
    ],
)
def test_what_the_gateway_api_has_no_words_for_stands_in_its_options(declared, expected):
    made, options = gateway(**{"listeners": [HTTP], **declared})
    assert overlays(options) == expected
    assert made["spec"]["infrastructure"]["parametersRef"] == {"group": "", "kind": "ConfigMap", "name": "gw-options"}
    assert options[0]["metadata"] == {"name": "gw-options", "namespace": "edge"}


def test_between_ambient_networks():
    made, options = gateway(type="eastwest", network="net", labels={"a": "b"})
    assert (made["spec"]["gatewayClassName"], options) == ("istio-east-west", [])
    assert [item["protocol"] for item in made["spec"]["listeners"]] == ["HBONE"]
    assert made["metadata"]["labels"] == {"topology.istio.io/network": "net"}
    labels = {"istio": "gw", "topology.istio.io/network": "net", "a": "b"}
    assert made["spec"]["infrastructure"]["labels"] == labels


@pytest.mark.parametrize(
    ("declared", "labels"),
    [
        ({}, {"istio.io/waypoint-for": "service"}),
        ({"traffic": "all", "revision": "canary"}, {"istio.io/waypoint-for": "all", "istio.io/rev": "canary"}),
    ],
)
def test_waypoints(declared, labels):
    (made,) = gateway_resource.waypoint(parse(WaypointSpec, {"namespace": "shop", **declared}))
    assert made["metadata"] == {"name": "waypoint", "namespace": "shop", "labels": labels}
    listener = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
    assert (made["spec"]["gatewayClassName"], made["spec"]["listeners"]) == ("istio-waypoint", [listener])


def test_a_waypoint_of_several_pods():
    options, made = gateway_resource.waypoint(parse(WaypointSpec, {"namespace": "shop", "replicas": 2}))
    assert overlays([options]) == {"deployment": {"spec": {"replicas": 2}}}
    assert made["spec"]["infrastructure"]["parametersRef"]["name"] == "waypoint-options"
