# SPDX-License-Identifier: Apache-2.0
"""The policy pack's rules, each with what it finds and what it lets pass."""

from __future__ import annotations

import pytest

from pulumi_mesh.policies import RULES, objects_of

BY_NAME = {rule.name: rule for rule in RULES}


def istio(kind, spec, group="networking.istio.io", version="v1"):
    metadata = {"name": "it", "namespace": "shop"}
    return {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": metadata, "spec": spec}


def peers(**spec):
    return istio("PeerAuthentication", spec, "security.istio.io")


def entry(protocol, **more):
    return istio("ServiceEntry", {"hosts": ["a.example"], "ports": [{"number": 1, "protocol": protocol}], **more})


OFF = {"tls": {"mode": "DISABLE"}}
TLS = istio("DestinationRule", {"host": "a.example", "trafficPolicy": {"tls": {"mode": "SIMPLE"}}})


@pytest.mark.parametrize(
    ("rule", "objects", "told"),
    [
        ("strict-mtls", [peers(mtls={"mode": "STRICT"})], []),
        ("strict-mtls", [peers(mtls={"mode": "PERMISSIVE"})], ["PeerAuthentication shop/it: mTLS is PERMISSIVE"]),
        ("strict-mtls", [peers(portLevelMtls={"80": {"mode": "DISABLE"}})], ["mTLS is DISABLE"]),
        (
            "strict-mtls",
            [istio("DestinationRule", {"host": "b", "trafficPolicy": OFF})],
            ["TLS off towards b"],
        ),
        ("no-wildcard-hosts", [istio("Gateway", {"servers": [{"hosts": ["shop.example", "*.shop.example"]}]})], []),
        ("no-wildcard-hosts", [istio("Gateway", {"servers": [{"hosts": ["shop/*"]}]})], ["takes every host name"]),
        ("no-wildcard-hosts", [istio("Gateway", {"servers": [None, "x"]}), istio("Gateway", "x")], []),
        (
            "strict-mtls",
            [
                istio(
                    "DestinationRule", {"host": "b", "subsets": [None, {"trafficPolicy": {"tls": {"mode": "DISABLE"}}}]}
                )
            ],
            ["TLS off towards b"],
        ),
        (
            "strict-mtls",
            [istio("DestinationRule", {"host": "b", "trafficPolicy": {"portLevelSettings": [OFF]}})],
            ["TLS off towards b"],
        ),
        ("no-deprecated-apis", [istio("VirtualService", {}, version="v1beta1")], ["use networking.istio.io/v1"]),
        ("no-deprecated-apis", [istio("EnvoyFilter", {}, version="v1alpha3")], []),
        ("no-deprecated-apis", [{"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "a"}}], []),
        ("no-plain-text-external", [entry("HTTP")], ["a.example is reached in plain text (HTTP)"]),
        ("no-plain-text-external", [entry("TLS")], []),
        ("no-plain-text-external", [entry("TLS", ports=[None])], []),
        ("no-plain-text-external", [entry("HTTP", location="MESH_INTERNAL")], []),
        ("no-plain-text-external", [entry("HTTP"), TLS], []),
    ],
)
def test_rules(rule, objects, told):
    found = list(BY_NAME[rule].violations(objects))
    assert len(found) == len(told)
    assert all(text in line for text, line in zip(told, found, strict=True))


def test_objects_of_resources():
    gateway = istio("Gateway", {})
    assert objects_of("mesh:index:ConfigSet", {"objects": [gateway]}) == [gateway]
    listed = {"apiVersion": "v1", "kind": "List", "items": [gateway, None]}
    assert objects_of("mesh:index:ConfigSet", {"objects": [listed, "x"]}) == [gateway]
    assert objects_of("kubernetes:networking.istio.io/v1:Gateway", gateway) == [gateway]
    assert objects_of("mesh:index:ControlPlane", {"objects": [gateway]}) == []
    assert objects_of("mesh:index:ConfigSet", {}) == []
