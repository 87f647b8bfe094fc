# SPDX-License-Identifier: Apache-2.0
"""Hosts outside Kubernetes join the shop's mesh, are called and call, and leave it as if they had never been there."""

from __future__ import annotations

import subprocess
import time

import pytest

from lab.home import Home
from lab.hosts import workload as shop
from lab.hosts.home import HostHome

from .hosts import (
    CLUSTER,
    FAR,
    NEAR,
    PORT,
    SPACE,
    VERSION,
    await_,
    curl,
    gateway,
    group,
    package,
    said,
    snapshot,
    told,
    write_inventory,
)

GROUPS = {NEAR: "ratings-vm", FAR: "far"}
NAME = "ratings.host.example.com"


@pytest.fixture(scope="module")
def declared(core, machines, lab):
    """The way to istiod, and the groups with the names by which their hosts are called."""
    way = gateway(lab, "istio-eastwestgateway", "istiod", "services")
    core(CLUSTER, "gateway", way)
    groups = [
        group(
            GROUPS[NEAR],
            service={"ports": [{"port": PORT}]},
            service_entry={"hosts": [NAME], "ports": [{"port": PORT}]},
        ),
        group(GROUPS[FAR], network=machines[FAR].network, service={"ports": [{"port": PORT}]}),
    ]
    for item in groups:
        core(CLUSTER, "workload_group", item)
    core(CLUSTER, "vm_bootstrap", {"group": GROUPS[NEAR], "namespace": SPACE, "issue_token": False})
    core(CLUSTER, "workload_info", {})
    yield groups
    for item in groups:
        core(CLUSTER, "workload_group", item, "absent")
    core(CLUSTER, "gateway", way, "absent")


@pytest.fixture(scope="module")
def inventory(machines, lab, tmp_path_factory):
    """The lab's hosts with what the role needs to know of them."""
    path = tmp_path_factory.mktemp("hosts") / "hosts.json"
    groups = {name: {"vm_workload_group": own} for name, own in GROUPS.items()}
    write_inventory(path, groups, vm_workload_package=package(lab))
    return path


@pytest.fixture(scope="module")
def run_on_hosts(play, inventory, declared):
    def run(playbook, *arguments, **options):
        return play(f"meshops.mesh.{playbook}", "-i", str(inventory), *arguments, **options)

    return run


@pytest.fixture(scope="module")
def workload(machines):
    """The shop's own program on both hosts, as somebody's service that knows of no mesh."""
    for name in GROUPS:
        shop.install(name, "ratings", VERSION)
    yield
    for name in GROUPS:
        shop.remove(name)


#: Where the agent will be there are directories of others already: a secret one, and one that root does not own.
_THEIRS = "/etc/certs /run/secrets/theirs /var/log/istio"
_PLANT = f"mkdir -p {_THEIRS} && touch /etc/certs/theirs.pem && chmod 700 /etc/certs && chown -R ops: /var/log/istio"


@pytest.fixture(scope="module")
def theirs(machines):
    """On one host."""
    said(FAR, "sh", "-ec", _PLANT)
    yield
    said(FAR, "rm", "-r", "/etc/certs", "/run/secrets", "/var/log/istio")


@pytest.fixture(scope="module")
def before(machines, workload, theirs):
    """What the hosts are like, all tables of netfilter having been looked at once."""
    for name in GROUPS:
        snapshot(name)
    return {name: snapshot(name) for name in GROUPS}


def test_check_mode_touches_no_host(run_on_hosts, before):
    played = run_on_hosts("join_vm", "--check")
    assert played.code == 0, played.output
    assert all(played.changed[name] for name in GROUPS)
    assert {name: snapshot(name) for name in GROUPS} == before


def test_they_join_and_open_sessions_live_on(run_on_hosts, before, core, machines):
    near = machines[NEAR]
    options = [f"UserKnownHostsFile={near.known_hosts}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"]
    flags = [flag for option in options for flag in ("-o", option)]
    command = ["ssh", "-i", near.private_key, *flags, f"{near.user}@{near.address}"]
    counting = "for number in $(seq 1 3000); do echo $number; sleep 0.2; done"
    with subprocess.Popen([*command, counting], stdout=subprocess.PIPE, text=True) as session:
        try:
            assert session.stdout.readline() == "1\n"
            played = run_on_hosts("join_vm")
            assert played.code == 0, played.output
            # What was said before is read; what comes now was said through the host's rules.
            seen = int(session.stdout.readline())
            deadline = time.monotonic() + 10
            while seen < played.seconds * 4 and time.monotonic() < deadline:
                seen = int(session.stdout.readline())
            assert seen >= played.seconds * 4
        finally:
            session.kill()
    found = told(core)
    assert {address: item["healthy"] for address, item in found.items()} == {
        machines[name].address: True for name in GROUPS
    }
    assert {item["network"] for item in found.values()} == {"", machines[FAR].network}


def test_a_second_run_changes_nothing(run_on_hosts):
    played = run_on_hosts("join_vm")
    assert played.code == 0, played.output
    assert played.changed == dict.fromkeys(GROUPS, 0), played.output
    print(f"second run: {played.seconds:.1f} s")


@pytest.mark.parametrize("name", [f"{GROUPS[NEAR]}.{SPACE}.svc.cluster.local", GROUPS[NEAR], NAME, GROUPS[FAR]])
def test_pods_call_hosts_by_name(client, name):
    answer = client(f"http://{name}:{PORT}/ratings/0")
    assert f"x-shop-version: ratings/{VERSION}" in answer, answer


def test_without_a_certificate_nobody_is_let_in():
    node = ["nsenter", f"--net={Home(CLUSTER).network_namespace}"]
    for name in GROUPS:
        url = f"http://{HostHome(name).address}:{PORT}/ratings/0"
        done = subprocess.run([*node, "curl", "--silent", "--max-time", "5", url], capture_output=True, check=False)
        assert done.returncode in (52, 56), (done.returncode, done.stdout)  # empty reply, connection reset


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("called", [f"details.{SPACE}.svc.cluster.local", f"details.{SPACE}"])
def test_hosts_call_pods_by_name(name, called, client):
    answer = curl(name, f"http://{called}:{PORT}/details/0")
    assert "200 OK" in answer, answer
    assert "x-shop-version: details/v1" in answer


def test_policies_know_hosts_by_their_identity(core, client):
    source = {"source": {"principals": [f"cluster.local/ns/{SPACE}/sa/{GROUPS[NEAR]}"]}}
    policy = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "details-for-near"},
        "spec": {"selector": {"matchLabels": {"app": "details"}}, "action": "ALLOW", "rules": [{"from": [source]}]},
    }
    declared = {"name": "hosts-policy", "namespace": SPACE, "objects": [policy]}
    core(CLUSTER, "config_set", declared)
    try:
        url = f"http://details.{SPACE}:{PORT}/details/0"
        await_(lambda: "403 Forbidden" in curl(FAR, url), 20)
        assert "403 Forbidden" in client(url)
        assert "200 OK" in curl(NEAR, url)
    finally:
        core(CLUSTER, "config_set", declared, "absent")


def test_they_leave_as_if_they_had_never_been_there(run_on_hosts, before, core, client):
    played = run_on_hosts("leave_vm")
    assert played.code == 0, played.output
    assert told(core) == {}
    assert {name: snapshot(name) for name in GROUPS} == before
    again = run_on_hosts("leave_vm")
    assert again.code == 0, again.output
    assert again.changed == dict.fromkeys(GROUPS, 0)
    assert "no healthy upstream" in client(f"http://{GROUPS[NEAR]}:{PORT}/ratings/0")
