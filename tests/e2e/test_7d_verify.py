# SPDX-License-Identifier: Apache-2.0
"""A host's way into the mesh is walked hop by hop, and the one that somebody broke is named; with a gateway and a group
of its own."""

from __future__ import annotations

import contextlib
import json

import pytest

from lab.hosts import workload as shop

from .hosts import CLUSTER, NEAR, SPACE, VERSION, await_, gateway, group, package, said, snapshot, write_inventory

GROUP, GATEWAY = "verify-vm", "verify-gateway"
_BLOCK = "/^# meshops.mesh: begin/,/^# meshops.mesh: end/d"
_CHAIN = "/etc/certs/cert-chain.pem"


@pytest.fixture(scope="module")
def declared(core, machines, lab):
    """The way to istiod, the group, and what may be asked of the cluster."""
    way = gateway(lab, GATEWAY, "istiod")
    core(CLUSTER, "gateway", way)
    core(CLUSTER, "workload_group", group(GROUP))
    core(CLUSTER, "vm_bootstrap", {"group": GROUP, "namespace": SPACE, "issue_token": False})
    core(CLUSTER, "workload_info", {})
    core(CLUSTER, "mesh_info", {})
    yield
    core(CLUSTER, "workload_group", group(GROUP), "absent")
    core(CLUSTER, "gateway", way, "absent", wait=False)


@pytest.fixture(scope="module")
def run_on_host(play, declared, lab, tmp_path_factory):
    """Plays on the one host; its service is not the mesh's."""
    inventory = tmp_path_factory.mktemp("verify") / "hosts.json"
    gateway_name = f"istio-system/{GATEWAY}"
    host = {"vm_workload_group": GROUP, "vm_workload_gateway": gateway_name, "vm_workload_package": package(lab)}
    write_inventory(inventory, {NEAR: host})
    shop.install(NEAR, "ratings", VERSION)

    def run(playbook, *arguments):
        return play(f"meshops.mesh.{playbook}", "-i", str(inventory), *arguments)

    yield run
    left = run("leave_vm")
    shop.remove(NEAR)
    assert left.code == 0, left.output


@pytest.fixture(scope="module")
def joined(run_on_host):
    played = run_on_host("join_vm")
    assert played.code == 0, played.output


def test_every_hop_of_a_host_that_has_joined_works(run_on_host, joined, tmp_path):
    before = snapshot(NEAR)
    files = [
        "-e",
        f"verify_evidence={tmp_path}/{{{{ inventory_hostname }}}}.json",
        "-e",
        f"verify_metrics={tmp_path}/m",
    ]
    played = run_on_host("verify_vm", *files)
    assert played.code == 0, played.output
    assert snapshot(NEAR) == before
    evidence = json.loads((tmp_path / f"{NEAR}.json").read_text(encoding="utf-8"))
    assert (evidence["healthy"], evidence["broken"], evidence["cluster"]) == (True, "", CLUSTER)
    assert all(item["passed"] for item in evidence["evidence"])
    hops = [item["hop"] for item in evidence["evidence"]]
    assert [f'hop="{hop}"}} 1' in (tmp_path / "m").read_text(encoding="utf-8") for hop in hops] == [True] * len(hops)
    assert played.output.count('"ok: ') == len(hops)
    print(f"verified in {played.seconds:.1f} s")


def health(core):
    """Of hosts of the group that are connected."""
    found = core(CLUSTER, "workload_info", {}).result["workloads"]
    return [item["healthy"] for item in found if item["connected"] and item["group"] == GROUP]


@contextlib.contextmanager
def names_forgotten(_core):
    said(NEAR, "cp", "/etc/hosts", "/root/hosts")
    said(NEAR, "sed", "-i", _BLOCK, "/etc/hosts")
    yield
    said(NEAR, "sh", "-c", "cat /root/hosts >/etc/hosts; rm /root/hosts")


@contextlib.contextmanager
def istiod_walled_off(_core):
    rule = ["OUTPUT", "-p", "tcp", "--dport", "15012", "-j", "DROP"]
    said(NEAR, "iptables-legacy", "-w", "-I", *rule)
    yield
    said(NEAR, "iptables-legacy", "-w", "-D", *rule)


@contextlib.contextmanager
def certificate_gone(_core):
    said(NEAR, "mv", _CHAIN, "/root/chain.pem")
    yield
    said(NEAR, "mv", "/root/chain.pem", _CHAIN)


@contextlib.contextmanager
def agent_stopped(core):
    said(NEAR, "systemctl", "stop", "istio")
    yield
    said(NEAR, "systemctl", "start", "istio")
    await_(lambda: health(core) == [True], 30)


@contextlib.contextmanager
def service_stopped(core):
    said(NEAR, "systemctl", "stop", "shop")
    await_(lambda: health(core) == [False], 30)
    yield
    said(NEAR, "systemctl", "start", "shop")
    await_(lambda: health(core) == [True], 30)


@contextlib.contextmanager
def rules_changed(*command):
    """Netfilter as it was comes back by iptables-restore."""
    kept = "/root/rules"
    said(NEAR, "sh", "-c", f"iptables-legacy-save >{kept}")
    said(NEAR, "iptables-legacy", "-w", *command)
    yield
    said(NEAR, "sh", "-c", f"iptables-legacy-restore -w <{kept}; rm {kept}")


BREAKS = {
    "dns": (names_forgotten, "istiod.istio-system.svc is 10."),
    "istiod": (istiod_walled_off, "no answer within 5 s: a firewall, or no route"),
    "certificate": (certificate_gone, "it has no certificate"),
    "agent": (agent_stopped, "istio.service does not run: inactive/dead"),
    "entry": (service_stopped, "is unhealthy"),
    "interception": (lambda _core: rules_changed("-t", "nat", "-F"), "iptables lacks chain ISTIO_INBOUND"),
    "guard": (lambda _core: rules_changed("-t", "mangle", "-F"), "no rule of meshops.mesh"),
}


@pytest.mark.parametrize("hop", BREAKS)
def test_what_somebody_broke_is_named(run_on_host, joined, core, hop):
    broken, text = BREAKS[hop]
    with broken(core):
        played = run_on_host("verify_vm")
    assert played.code == 2, played.output
    assert played.failed == {NEAR: 1}
    message = next(line for line in played.output.splitlines() if '"msg": "broken: ' in line)
    assert f'"broken: {hop}: ' in message, played.output
    assert text in message


def test_a_group_that_is_not_declared_is_named(run_on_host, joined):
    played = run_on_host("verify_vm", "-e", "vm_workload_group=nobody")
    assert played.code == 2
    assert f"broken: declaration: group nobody: WorkloadGroup {SPACE}/nobody: is not there" in played.output, (
        played.output
    )


def test_what_was_put_back_works_again(run_on_host, joined):
    played = run_on_host("verify_vm")
    assert played.code == 0, played.output
