# SPDX-License-Identifier: Apache-2.0
"""A new machine joins the mesh at its first boot, by the user data that a Pulumi program makes; cloud-init is real."""

from __future__ import annotations

import subprocess

import pulumi
import pytest
import yaml

import pulumi_mesh as mesh
from lab.engine import prepare
from lab.hosts import control
from lab.hosts import workload as shop
from lab.hosts.home import HostHome
from tests.pulumi.stacks import Stack

from .test_7_hosts import (
    CLUSTER,
    FAR,
    GROUPS,
    SPACE,
    VERSION,
    await_,
    clusters_of_module,
    declared,
    inventory,
    machines,
    packaged,
    run_on_hosts,
    said,
    told,
)

__all__ = ["clusters_of_module", "declared", "inventory", "machines", "run_on_hosts"]
SEED = "/var/lib/cloud/seed/nocloud"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    made = Stack("first-boot", prepare(tmp_path_factory.mktemp("pulumi")))
    yield made
    made.remove()


@pytest.fixture(scope="module")
def program(lab, declared, automation, machines):
    """One machine, whose user data a cloud's program would take."""

    def of(**more):
        def declare():
            provider = mesh.Provider("cluster", kubeconfig=str(automation.kubeconfig), context=CLUSTER)
            url, checksum = packaged(lab)
            arguments = {
                "group": GROUPS[FAR],
                "namespace": SPACE,
                "internal_address": machines[FAR].address,
                "package": {"url": url, "sha256": checksum},
                **more,
            }
            machine = mesh.VmBootstrap("machine", arguments, pulumi.ResourceOptions(provider=provider))
            pulumi.export("user_data", machine.user_data)
            pulumi.export("expires", machine.token_expires)

        return declare

    return of


@pytest.fixture(scope="module")
def machine():
    """A host as an image of a cloud comes: with cloud-init, and somebody's service."""
    shop.install(FAR, "ratings", VERSION)
    yield FAR
    said(FAR, "touch", "/etc/cloud/cloud-init.disabled")
    said(FAR, "rm", "-rf", "/var/lib/cloud")
    shop.remove(FAR)


def test_the_machine_joins_by_itself(stack, program, machine, core, machines):
    outputs = stack.run("up", program()).outputs
    user_data = outputs["user_data"]
    assert user_data.startswith("#cloud-config\n")
    assert yaml.safe_load(user_data)["runcmd"]
    assert len(user_data) < 16384, "clouds take no more"
    for name, text in (("user-data", user_data), ("meta-data", f"instance-id: {machine}-1\n")):
        inside = HostHome(machine).inside("sh", "-c", f"mkdir -p {SEED} && cat > {SEED}/{name}")
        subprocess.run(inside, input=text, text=True, check=True)
    said(machine, "rm", "-f", "/etc/cloud/cloud-init.disabled")
    control.reboot(machine)
    address = machines[FAR].address
    await_(lambda: told(core).get(address, {}).get("healthy"), 90)
    assert control.execute(machine, "test", "-e", "/var/lib/meshops/first_boot.json").returncode == 1
    assert said(machine, "cloud-init", "status", "--wait").split() == ["status:", "done"]


def test_another_up_changes_nothing(stack, program):
    again = stack.run("up", program())
    assert not again.changed
    renewed = stack.run("up", program(renew="1")).outputs
    assert renewed["user_data"] != again.outputs["user_data"]


def test_it_leaves_as_others_do(run_on_hosts, core, machine, stack, program):
    played = run_on_hosts("leave_vm", "--limit", machine)
    assert played.code == 0, played.output
    assert told(core) == {}
    for path in ("/usr/local/bin/pilot-agent", "/etc/certs", "/var/lib/meshops", "/var/lib/istio"):
        assert control.execute(machine, "test", "-e", path).returncode == 1, path
    stack.run("destroy", program())
