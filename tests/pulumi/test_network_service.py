# SPDX-License-Identifier: Apache-2.0
"""A network service as a resource."""

from __future__ import annotations

import pulumi
import pytest
from pulumi import automation

import pulumi_mesh as mesh
from tests import network_services

from .conftest import API

KIND = "NetworkService"


@pytest.fixture
def service(cluster, namespace):
    """Its name is one of the whole cluster."""
    with network_services.kinds(cluster):
        yield {"name": f"net-{namespace}", "namespace": namespace}


def program(lab, arguments, **opts):
    def declared():
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
        made = mesh.NetworkService("net", arguments, pulumi.ResourceOptions(provider=provider, **opts))
        pulumi.export("drawing", made.drawing)
        pulumi.export("mermaid", made.mermaid)

    return declared


def live(cluster, service):
    return cluster.get(f"{network_services.GROUP}/v1", KIND, service["namespace"], service["name"])


def test_from_nothing_to_nothing(lab, cluster, service, stack, writes):
    chain = {**service, "chain": ["firewall", "vpn-gateway"]}
    assert stack.run("preview", program(lab, chain)).of(KIND) == {"create": 1}
    made = stack.run("up", program(lab, chain))
    assert made.outputs["drawing"] == ["client -> app=firewall -> app=vpn-gateway"]
    assert made.outputs["mermaid"].startswith("flowchart LR\n")
    assert writes(lambda: stack.run("up", program(lab, chain))) == 0
    direct = {**service, "matches": [{"routes": [{"destination_selector": {"app": "vpn-gateway"}}]}]}
    assert stack.run("up", program(lab, direct)).of(KIND) == {"update": 1}
    assert live(cluster, service)["spec"]["matches"] == direct["matches"]
    moved = {**direct, "namespace": f"{service['namespace']}-2"}
    assert stack.run("up", program(lab, moved)).of(KIND) == {
        "delete-replaced": 1,
        "replace": 1,
        "create-replacement": 1,
    }
    assert live(cluster, service) is None
    stack.run("destroy", program(lab, moved))
    assert live(cluster, moved) is None


def test_bad_input_is_named_at_its_property(lab, service, stack):
    with pytest.raises(automation.errors.CommandError, match=r"chain\[2\]: a is in the chain twice"):
        stack.run("preview", program(lab, {**service, "chain": ["a", "b", "a"]}))


def test_imported(lab, cluster, service, stack):
    direct = {**service, "matches": [{"routes": [{"destination_selector": {"app": "vpn-gateway"}}]}]}
    stack.run("up", program(lab, direct, retain_on_delete=True))
    stack.run("destroy", program(lab, direct, retain_on_delete=True))
    place = f"{service['namespace']}/{service['name']}"
    imported = stack.run("up", program(lab, {**direct, "payload": "IP"}, import_=place))
    assert imported.of(KIND) == {"import": 1}
    stack.run("destroy", program(lab, direct))
    assert live(cluster, service) is None
