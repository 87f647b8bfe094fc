# SPDX-License-Identifier: Apache-2.0
"""A new machine joins the mesh at its first boot, by user data that the example of a Pulumi program makes; cloud-init
is real."""

from __future__ import annotations

import json
import runpy
import subprocess

import pytest
import yaml

from lab.engine import prepare
from lab.hosts import control
from lab.hosts import workload as shop
from lab.hosts.home import HostHome
from lab.sidecar import published
from tests.pulumi.stacks import Stack

from .conftest import ROOT
from .hosts import CLUSTER, FAR, SPACE, VERSION, await_, group, said, told
from .test_7_hosts import declared, inventory, run_on_hosts

__all__ = ["declared", "inventory", "run_on_hosts"]
GROUP = "first-boot"
SEED = "/var/lib/cloud/seed/nocloud"


@pytest.fixture(scope="module")
def stack(lab, declared, automation, machines, tmp_path_factory):
    """Runs the example's program, with more of its configuration each time."""
    url, checksum = published(lab)
    config = {
        "kubeconfig": str(automation.kubeconfig),
        "context": CLUSTER,
        "namespace": SPACE,
        "group": GROUP,
        "network": machines[FAR].network,
        "address": machines[FAR].address,
        "package": json.dumps({"url": url, "sha256": checksum}),
    }
    for name, data in (("workload_group", group(GROUP)), ("vm_bootstrap", {"group": GROUP, "namespace": SPACE})):
        automation.accounts[CLUSTER].grant_for(name, data, "present")
    engine = prepare(tmp_path_factory.mktemp("pulumi"))

    def stack_with(**more):
        return Stack("first-boot", engine, {f"vm:{name}": value for name, value in {**config, **more}.items()})

    yield stack_with
    stack_with().remove()


def example():
    runpy.run_path(str(ROOT / "examples" / "pulumi" / "vm"))


@pytest.fixture(scope="module")
def machine():
    """A host as an image of a cloud comes: with cloud-init, and somebody's service."""
    shop.install(FAR, "ratings", VERSION)
    yield FAR
    said(FAR, "touch", "/etc/cloud/cloud-init.disabled")
    said(FAR, "rm", "-rf", "/var/lib/cloud")
    shop.remove(FAR)


def test_the_machine_joins_by_itself(stack, machine, core, machines):
    outputs = stack().run("up", example).outputs
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


def test_another_up_changes_nothing(stack):
    again = stack().run("up", example)
    assert not again.changed
    renewed = stack(renew="1").run("up", example).outputs
    assert renewed["user_data"] != again.outputs["user_data"]
    assert renewed["token_expires"] != again.outputs["token_expires"]
    # Another machine needs a token that is good, whatever the reason why it is another.
    moved = stack(renew="1", address="192.0.2.1").run("up", example).outputs
    assert moved["token_expires"] != renewed["token_expires"]


def test_it_is_a_host_like_others(run_on_hosts, machine):
    for playbook in ("verify_vm", "join_vm", "verify_vm"):
        played = run_on_hosts(playbook, "--limit", machine, "-e", f"vm_workload_group={GROUP}")
        assert played.code == 0, played.output
    assert run_on_hosts("join_vm", "--limit", machine, "-e", f"vm_workload_group={GROUP}").changed == {machine: 0}


def test_it_leaves_as_others_do(run_on_hosts, core, machine, machines, stack):
    played = run_on_hosts("leave_vm", "--limit", machine, "-e", f"vm_workload_group={GROUP}")
    assert played.code == 0, played.output
    assert machines[FAR].address not in told(core)
    for path in ("/usr/local/bin/pilot-agent", "/etc/certs", "/var/lib/meshops", "/var/lib/istio"):
        assert control.execute(machine, "test", "-e", path).returncode == 1, path
    stack().run("destroy", example)
