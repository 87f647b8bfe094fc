# SPDX-License-Identifier: Apache-2.0
"""What a virtual machine needs, as a resource: it stays as it is until somebody wants it renewed."""

from __future__ import annotations

import pulumi
import pytest
from pulumi import automation

import pulumi_mesh as mesh
from tests.certificates import authority
from tests.configured import configured, workload_kinds

from .conftest import API


@pytest.fixture
def group(lab, cluster, namespace):
    """Where a control plane could run, on a connection that knows the kinds."""
    with workload_kinds(cluster, lab.charts), configured(cluster, namespace, authority("root").pem):
        yield {"name": "ratings", "namespace": namespace}


def program(lab, group, **more):
    """A group and one machine in it."""

    def declared():
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
        on = pulumi.ResourceOptions(provider=provider)
        made = mesh.WorkloadGroup("ratings", group, on)
        after = pulumi.ResourceOptions(provider=provider, depends_on=[made])
        arguments = {"group": "ratings", "namespace": group["namespace"], "gateway_address": "192.0.2.1", **more}
        machine = mesh.VmBootstrap("machine", arguments, after)
        for name in ("files", "token_expires", "identity"):
            pulumi.export(name, getattr(machine, name))

    return declared


def test_it_stays_until_it_is_renewed(lab, cluster, group, stack):
    first = stack.run("up", program(lab, group)).outputs
    files = first["files"]
    assert sorted(files) == ["cluster.env", "hosts", "istio-token", "mesh.yaml", "root-cert.pem"]
    assert first["identity"] == f"spiffe://cluster.local/ns/{group['namespace']}/sa/ratings"
    assert files["istio-token"] not in stack.export()
    again = stack.run("up", program(lab, group))
    assert not again.changed
    # Another address changes what is made of it, but for the token.
    moved = stack.run("up", program(lab, group, gateway_address="192.0.2.2")).outputs
    assert moved["files"]["hosts"] == "192.0.2.2 istiod.istio-system.svc\n"
    assert moved["files"]["istio-token"] == files["istio-token"]
    assert moved["token_expires"] == first["token_expires"]
    renewed = stack.run("up", program(lab, group, gateway_address="192.0.2.2", renew="2026-12")).outputs
    assert renewed["files"]["istio-token"] != files["istio-token"]
    stack.run("refresh", program(lab, group, gateway_address="192.0.2.2", renew="2026-12"))
    kept = stack.run("up", program(lab, group, gateway_address="192.0.2.2", renew="2026-12"))
    assert kept.outputs["files"] == renewed["files"]
    stack.run("destroy", program(lab, group))


def test_bad_input_is_named_at_its_property(lab, group, stack):
    with pytest.raises(automation.errors.CommandError, match="internalAddress"):
        stack.run("preview", program(lab, group, internal_address="10.0.0"))
    with pytest.raises(automation.errors.CommandError, match=r"WorkloadGroup .*/nobody: is not there"):
        stack.run("up", program(lab, group, group="nobody"))


def test_a_preview_asks_for_nothing(lab, group, stack):
    told = stack.run("preview", program(lab, group))
    assert told.of("VmBootstrap") == {"create": 1}


def test_it_cannot_be_imported(lab, group, stack):
    def imported():
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
        options = pulumi.ResourceOptions(provider=provider, import_="shop/ratings/1")
        mesh.VmBootstrap("machine", {"group": "ratings", "namespace": group["namespace"]}, options)

    with pytest.raises(automation.errors.CommandError, match="cannot be imported"):
        stack.run("up", imported)
