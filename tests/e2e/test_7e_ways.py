# SPDX-License-Identifier: Apache-2.0
"""Hosts that do not stand where clusters do: a database behind a router that translates addresses, a host with IPv6
beside IPv4; and what becomes of hosts when the mesh gets another root."""

from __future__ import annotations

import contextlib
import subprocess

import pytest
from mesh.model.objects import ref

from lab.addresses import BRIDGE
from lab.hosts import control

from .hosts import (
    CLUSTER,
    FAR,
    NEAR,
    SPACE,
    await_,
    curl,
    gateway,
    group,
    package,
    replace_pods,
    said,
    snapshot,
    told,
    write_inventory,
)

GATEWAY = "ways-gateway"
GUEST, DATABASE = "ways-guest", "ways-db"
PORT = 3306
GROUPS = {NEAR: GUEST, FAR: DATABASE}
PASSWORD = "of-the-test"
QUERY = ["mariadb", "--user=shop", f"--password={PASSWORD}", "--skip-column-names", "--execute", "select 6*7"]
#: Of the bridge, and of the host on it.
BRIDGE_SIX, HOST_SIX = "fd00:99::1", "fd00:99::f1"
ROOT, CHAIN = "/etc/certs/root-cert.pem", "/etc/certs/cert-chain.pem"
AUTHORITY = ("v1", "Secret", "istio-system", "istio-ca-secret")


@pytest.fixture(scope="module")
def declared(core, machines, lab):
    """A gateway of their own, a group of guests, and one of databases on a network that no pod is on."""
    way = gateway(lab, GATEWAY, "istiod", "services")
    database = {
        "labels": {"app": DATABASE},
        "ports": {},
        "probe": {"tcp_socket": {"port": PORT}, "period_seconds": 1},
        "network": machines[FAR].network,
        "service": {"ports": [{"port": PORT, "protocol": "TCP"}]},
    }
    # The guest runs nothing but its system.
    guest = {"probe": {"tcp_socket": {"port": 22}, "period_seconds": 1}}
    groups = [group(GUEST, **guest), group(DATABASE, **database)]
    core(CLUSTER, "gateway", way)
    for item in groups:
        core(CLUSTER, "workload_group", item)
        asked = {"group": item["name"], "namespace": SPACE, "gateway": f"istio-system/{GATEWAY}", "issue_token": False}
        core(CLUSTER, "vm_bootstrap", asked)
    core(CLUSTER, "workload_info", {})
    yield
    for item in groups:
        core(CLUSTER, "workload_group", item, "absent")
    core(CLUSTER, "gateway", way, "absent")


@pytest.fixture(scope="module")
def database(machines):
    """MariaDB as its package brings it, open to its network; behind a router."""
    settings = "/etc/mysql/mariadb.conf.d/99-shop.cnf"
    control.set_router(FAR, between=True)
    said(FAR, "sh", "-c", f"printf '[mariadbd]\nbind-address = 0.0.0.0\n' >{settings}")
    said(FAR, "systemctl", "start", "mariadb")
    said(FAR, "mariadb", "--execute", f"create user shop@'%' identified by '{PASSWORD}'")
    yield
    said(FAR, "mariadb", "--execute", "drop user shop@'%'")
    said(FAR, "systemctl", "stop", "mariadb")
    said(FAR, "rm", settings)
    control.set_router(FAR, between=False)


@pytest.fixture(scope="module")
def six(machines):
    """Addresses of IPv6 on the first host's network."""
    said(NEAR, "ip", "address", "add", f"{HOST_SIX}/64", "dev", "eth0", "nodad")
    on_bridge = ["ip", "address", "add", f"{BRIDGE_SIX}/64", "dev", BRIDGE, "nodad"]
    subprocess.run(on_bridge, check=True)
    yield HOST_SIX
    subprocess.run(["ip", "address", "delete", f"{BRIDGE_SIX}/64", "dev", BRIDGE], check=True)
    said(NEAR, "ip", "address", "delete", f"{HOST_SIX}/64", "dev", "eth0")


@pytest.fixture(scope="module")
def run_on_hosts(play, declared, lab, machines, tmp_path_factory):
    path = tmp_path_factory.mktemp("ways") / "hosts.json"
    hosts = {name: {"vm_workload_group": own} for name, own in GROUPS.items()}
    hosts[FAR]["vm_workload_external_address"] = machines[FAR].address
    write_inventory(path, hosts, vm_workload_gateway=f"istio-system/{GATEWAY}", vm_workload_package=package(lab))

    def run(playbook, *arguments):
        return play(f"meshops.mesh.{playbook}", "-i", str(path), *arguments)

    yield run
    run("leave_vm")


@pytest.fixture(scope="module")
def before(database, six):
    """What both are like, all tables of netfilter having been looked at once."""
    for name in GROUPS:
        snapshot(name)
    return {name: snapshot(name) for name in GROUPS}


@contextlib.contextmanager
def session(host, address):
    """A session by SSH that says a number now and then; gives what reads the next."""
    options = ["StrictHostKeyChecking=yes", f'UserKnownHostsFile="{host.known_hosts}"', f"HostKeyAlias={host.address}"]
    flags = [flag for option in options for flag in ("-o", option)]
    count = "for number in $(seq 1 3000); do echo $number; sleep 0.2; done"
    command = ["ssh", "-i", host.private_key, *flags, f"{host.user}@{address}", count]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running.stdout.readline
        finally:
            running.kill()


def test_they_join_and_sessions_over_both_protocols_live_on(run_on_hosts, before, core, machines, six):
    near, far = machines[NEAR], machines[FAR]
    with session(near, six) as over_six, session(near, near.address) as over_four, session(far, far.address) as beyond:
        said_before = [read() for read in (over_six, over_four, beyond)]
        played = run_on_hosts("join_vm")
        assert played.code == 0, played.output
        # Far more than is on its way, so that they are said after the rules are there.
        counts = [[int(read()) for _ in range(int(played.seconds * 4))][-1] for read in (over_six, over_four, beyond)]
    assert said_before == ["1\n"] * 3
    assert all(count > played.seconds * 4 for count in counts), counts
    found = told(core)
    assert {address: item["healthy"] for address, item in found.items()} == {near.address: True, far.address: True}
    assert far.address not in said(FAR, "ip", "-4", "-o", "address")
    with session(near, six) as anew:
        assert anew() == "1\n"


def test_another_run_changes_nothing_and_every_hop_works(run_on_hosts):
    played = run_on_hosts("join_vm")
    assert (played.code, played.changed) == (0, dict.fromkeys(GROUPS, 0)), played.output
    verified = run_on_hosts("verify_vm")
    assert verified.code == 0, verified.output


def greeting(client):
    """What a pod hears that calls the database; its server speaks first."""
    return client("--max-time", "3", f"telnet://{DATABASE}:{PORT}", "--output", "-")


def test_pods_and_hosts_call_the_database(client):
    assert "MariaDB" in greeting(client)
    assert said(NEAR, *QUERY, f"--host={DATABASE}.{SPACE}.svc.cluster.local") == "42\n"


def test_hosts_behind_a_router_call_pods(client):
    assert "200 OK" in curl(FAR, f"http://details.{SPACE}:9080/details/0")


def test_nobody_calls_it_without_a_certificate(machines):
    address = machines[FAR].address
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "3", "--output", "-", f"telnet://{address}:{PORT}"],
        capture_output=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert b"MariaDB" not in done.stdout


def test_policies_know_who_calls_the_database(core):
    """By queries: what its server says first comes through before Envoy asks a policy."""
    selector = {"matchLabels": {"app": DATABASE}}

    def allow(account):
        rule = {"from": [{"source": {"principals": [f"cluster.local/ns/{SPACE}/sa/{account}"]}}]}
        policy = {
            "apiVersion": "security.istio.io/v1",
            "kind": "AuthorizationPolicy",
            "metadata": {"name": "who-may"},
            "spec": {"selector": selector, "action": "ALLOW", "rules": [rule]},
        }
        return {"name": "ways-policy", "namespace": SPACE, "objects": [policy]}

    def answered():
        return control.execute(NEAR, *QUERY, f"--host={DATABASE}.{SPACE}").stdout == "42\n"

    try:
        core(CLUSTER, "config_set", allow("somebody-else"))
        await_(lambda: not answered(), 30)
        core(CLUSTER, "config_set", allow(GUEST))
        await_(answered, 30)
    finally:
        core(CLUSTER, "config_set", allow(GUEST), "absent")


def test_a_database_that_is_down_is_unhealthy(core, machines):
    def healthy():
        return told(core)[machines[FAR].address]["healthy"]

    said(FAR, "systemctl", "stop", "mariadb")
    await_(lambda: not healthy(), 20)
    said(FAR, "systemctl", "start", "mariadb")
    await_(healthy, 20)


def root_of(name):
    return said(name, "cat", ROOT).strip()


def published(cluster):
    """The root that the mesh has."""
    return cluster.get("v1", "ConfigMap", SPACE, "istio-ca-root-cert")["data"]["root-cert.pem"].strip()


def restart(cluster, change, done):
    """Start istiod on another authority, and then the gateway, which would go on with the old one."""
    change()
    replace_pods(cluster, "app=istiod")
    await_(lambda: done(published(cluster)), 60)
    replace_pods(cluster, f"app={GATEWAY}")


@pytest.fixture
def another_root(clusters_of_module):
    """istiod makes itself an authority anew; afterwards it has the one of before."""
    cluster = clusters_of_module[CLUSTER]
    kept, old = cluster.get(*AUTHORITY), published(cluster)
    secret = ref(kept)
    restart(cluster, lambda: cluster.delete(secret), lambda root: root != old)
    yield published(cluster)
    own = {"name": secret.name, "namespace": secret.namespace}
    restart(cluster, lambda: cluster.apply({**kept, "metadata": own}, "test", force=True), lambda root: root == old)


def test_with_another_root_the_next_run_lets_hosts_in_again(another_root, run_on_hosts, core, machines):
    broken = run_on_hosts("verify_vm")
    assert broken.code == 2, broken.output
    assert "broken: certificate" in broken.output, broken.output
    played = run_on_hosts("join_vm")
    assert played.code == 0, played.output
    for name in GROUPS:
        assert root_of(name) == another_root
        said(name, "openssl", "verify", "-CAfile", ROOT, "-untrusted", CHAIN, CHAIN)
        assert told(core)[machines[name].address]["healthy"]
    assert run_on_hosts("join_vm").changed == dict.fromkeys(GROUPS, 0)


def test_and_again_with_the_old_one(run_on_hosts, client):
    played = run_on_hosts("join_vm")
    assert played.code == 0, played.output
    verified = run_on_hosts("verify_vm")
    assert verified.code == 0, verified.output
    await_(lambda: "MariaDB" in greeting(client), 90)


def test_they_leave_as_they_came(run_on_hosts, before, core):
    played = run_on_hosts("leave_vm")
    assert played.code == 0, played.output
    assert told(core) == {}
    assert {name: snapshot(name) for name in GROUPS} == before
