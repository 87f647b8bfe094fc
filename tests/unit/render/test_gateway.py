# SPDX-License-Identifier: Apache-2.0
"""A gateway's options as values of its chart."""

from __future__ import annotations

import pytest
from mesh.model.spec import parse
from mesh.model.specs.gateway import GatewaySpec
from mesh.render.gateway import values_for, warnings

LABELS = {"istio": "gw"}
PORT = {"name": "http", "port": 80}
RENDERED = {"name": "http", "port": 80, "targetPort": 80, "protocol": "TCP"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, {}),
        ({"revision": "canary"}, {"revision": "canary"}),
        ({"revision": "default"}, {}),
        ({"labels": {"a": "b"}}, {"labels": {"istio": "gw", "a": "b"}}),
        ({"labels": {"istio": "ingressgateway"}}, {"labels": {"istio": "ingressgateway"}}),
        ({"type": "eastwest", "network": "n"}, {"networkGateway": "n"}),
        ({"type": "ingress", "network": "n"}, {}),
        ({"type": "egress"}, {"service": {"type": "ClusterIP"}}),
        ({"type": "egress", "service_type": "NodePort"}, {"service": {"type": "NodePort"}}),
        ({"service_type": "None"}, {"service": {"type": "None"}}),
        ({"service_annotations": {"a": "b"}}, {"service": {"annotations": {"a": "b"}}}),
        ({"ports": [PORT]}, {"service": {"ports": [RENDERED]}}),
        (
            {"ports": [{**PORT, "target_port": 8080, "node_port": 30080, "protocol": "UDP"}]},
            {"service": {"ports": [{**RENDERED, "targetPort": 8080, "nodePort": 30080, "protocol": "UDP"}]}},
        ),
        (
            {"ip_families": ["IPv6"], "ip_family_policy": "SingleStack"},
            {"service": {"ipFamilies": ["IPv6"], "ipFamilyPolicy": "SingleStack"}},
        ),
        ({"image_pull_secrets": ["s"]}, {"imagePullSecrets": [{"name": "s"}]}),
        ({"image_pull_policy": "Never"}, {"imagePullPolicy": "Never"}),
        ({"replicas": 0}, {"autoscaling": {"enabled": False}, "replicaCount": 0}),
        (
            {"replicas": 2, "min_replicas": 1, "max_replicas": 3},
            {"autoscaling": {"enabled": False}, "replicaCount": 2},
        ),
        ({"min_replicas": 2, "max_replicas": 3}, {"autoscaling": {"minReplicas": 2, "maxReplicas": 3}}),
        ({"values": {"anything": {"goes": True}}}, {"anything": {"goes": True}}),
    ],
)
def test_values(declared, expected):
    assert values_for(parse(GatewaySpec, {"name": "gw", **declared})) == {"name": "gw", "labels": LABELS, **expected}


def test_values_win_and_warn():
    spec = parse(GatewaySpec, {"name": "gw", "replicas": 2, "values": {"replicaCount": 3, "labels": {"istio": "x"}}})
    assert (values_for(spec)["replicaCount"], values_for(spec)["labels"]) == (3, {"istio": "x"})
    assert warnings(spec) == [
        "values.labels.istio overrules a typed option",
        "values.replicaCount overrules a typed option",
    ]
    assert warnings(parse(GatewaySpec, {"name": "gw", "values": {"replicaCount": 3}})) == []
