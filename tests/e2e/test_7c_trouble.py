# SPDX-License-Identifier: Apache-2.0
"""Hosts in trouble: what happens by itself, what the next run mends, and that nobody is ever locked out.

All on real hosts, the last two of the lab; only the clock is a double, as hosts of the lab have their machine's.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from mesh.model.objects import ref

from lab.home import Home
from lab.hosts import control
from lab.hosts import workload as shop
from lab.hosts.home import HostHome
from lab.loadbalancer import current
from lab.state import Lab
from lab.versions import ISTIO, ISTIO_NEXT

from .conftest import INVENTORY, Core
from .hosts import (
    CLUSTER,
    PORT,
    SPACE,
    VERSION,
    await_,
    curl,
    gateway,
    group,
    package,
    replace_pods,
    said,
    snapshot,
    write_inventory,
)

GATEWAY = "trouble-gateway"
#: Groups of the two hosts, and one to which the first moves.
FIRST, SECOND, THIRD = "trouble-a", "trouble-b", "trouble-c"
DETAILS = f"http://details.{SPACE}:{PORT}/details/0"
CHAIN, KEY, TOKEN = "/etc/certs/cert-chain.pem", "/etc/certs/key.pem", "/run/secrets/tokens/istio-token"
#: How long the API server is away, and calls that go on from before until after that, two in a second.
AWAY_SECONDS, CALLS = 60, 150
HOSTS_LINE = "192.0.2.7 somebody.example.com"
#: Rules of somebody else; the last one looks like one of ours.
RULES = (
    "iptables-legacy -t nat -A OUTPUT -p tcp -m tcp --dport 81 -j REDIRECT --to-ports 82",
    "iptables-legacy -t filter -A INPUT -p tcp -m tcp --dport 81 -j DROP",
    "iptables-nft -t filter -A INPUT -p tcp -m tcp --dport 83 -j DROP",
    "iptables-legacy -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j DROP",
)


@pytest.fixture(scope="module")
def pair(lab):
    """The names of both hosts."""
    if len(lab.hosts) < 2:
        pytest.skip("the lab has no hosts; run: python -m lab up --hosts 2")
    return tuple(host.name for host in lab.hosts[-2:])


@pytest.fixture(scope="module")
def first(pair):
    return pair[0]


@pytest.fixture(scope="module")
def second(pair):
    return pair[1]


@pytest.fixture(scope="module")
def declared(core, pair, lab):
    """A gateway of their own, whose address can change, and their groups."""
    way = gateway(lab, GATEWAY, "istiod", "services")
    core(CLUSTER, "gateway", way)
    networks = {FIRST: lab.host(pair[0]).network, SECOND: lab.host(pair[1]).network, THIRD: lab.host(pair[0]).network}
    groups = [group(name, network=network, service={"ports": [{"port": PORT}]}) for name, network in networks.items()]
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
def inventory(pair, lab, tmp_path_factory):
    """Writes the inventory with what differs for a host; returns its path."""
    path = tmp_path_factory.mktemp("trouble") / "hosts.json"
    common = {
        "vm_workload_gateway": f"istio-system/{GATEWAY}",
        "vm_workload_wait_timeout": 60,
        "vm_workload_package": package(lab),
    }

    def write(differing=()):
        groups = zip(pair, (FIRST, SECOND), strict=True)
        hosts = {name: {"vm_workload_group": own, **dict(differing).get(name, {})} for name, own in groups}
        write_inventory(path, hosts, **common)
        return path

    return write


@pytest.fixture(scope="module")
def run_on_hosts(play, inventory, declared):
    def run(playbook, *arguments, differing=(), **options):
        return play(f"meshops.mesh.{playbook}", "-i", str(inventory(differing)), *arguments, **options)

    return run


@dataclass(frozen=True)
class Seen:
    """Hosts by their names, as the control plane sees them."""

    lab: Lab
    core: Core

    def entries(self, name):
        """All that the mesh says of its address, also when it is gone."""
        found = self.core(CLUSTER, "workload_info", {}).result["workloads"]
        return [item for item in found if item["address"] == self.lab.host(name).address]

    def since(self, name):
        """When it connected; empty as long as it is not connected."""
        return next((item["since"] for item in self.entries(name) if item["connected"]), "")

    def healthy(self, name):
        return [item["healthy"] for item in self.entries(name) if item["connected"]] == [True]


@pytest.fixture(scope="module")
def seen(lab, core):
    return Seen(lab, core)


@pytest.fixture
def settled(run_on_hosts, pair, lab):
    """Holds when both are as declared, and let anybody in who comes anew."""

    def look():
        played = run_on_hosts("join_vm")
        assert played.code == 0, played.output
        assert played.changed == dict.fromkeys(pair, 0), played.output
        for name in pair:
            assert lets_in(lab.host(name))
            assert left_over(name) == []

    return look


def lets_in(host):
    """Whether a session of its own can be had, and its user becomes root."""
    options = [f'UserKnownHostsFile="{host.known_hosts}"', "StrictHostKeyChecking=yes", "ConnectTimeout=5"]
    flags = [flag for option in (*options, "ControlPath=none", "BatchMode=yes") for flag in ("-o", option)]
    command = ["ssh", "-i", host.private_key, *flags, f"{host.user}@{host.address}", "sudo", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def left_over(name):
    """Half of what somebody wrote."""
    find = (
        "find /etc /var/lib /usr/local /run -xdev ( -name .*.meshops -o -name *.dpkg-new -o -name istio-sidecar*.deb )"
    )
    return [*said(name, *find.split()).split(), *said(name, "dpkg", "--audit").split()]


def rules(name):
    """Of all programs, but for Istio's and ours."""
    script = "for kind in iptables-legacy iptables-nft ip6tables-legacy; do $kind-save; done | grep ^-A"
    lines = control.execute(name, "sh", "-c", script).stdout.splitlines()
    return sorted(line for line in lines if "ISTIO_" not in line and "meshops.mesh" not in line)


def intercepted(name):
    return "ISTIO_OUTPUT" in said(name, "iptables-legacy-save")


@pytest.fixture(scope="module")
def before(pair, first, run_on_hosts):
    """Somebody's service, names and rules on both hosts; what they are like with it."""
    for name in pair:
        shop.install(name, "ratings", VERSION)
        said(name, "sh", "-c", f"echo '{HOSTS_LINE}' >>/etc/hosts")
    for rule in RULES:
        said(first, *rule.split())
    for name in pair:
        snapshot(name)
    yield {name: snapshot(name) for name in pair}
    run_on_hosts("leave_vm")
    for rule in RULES:
        control.execute(first, *rule.replace(" -A ", " -D ").split())
    for name in pair:
        said(name, "sed", "-i", f"/^{HOSTS_LINE}$/d", "/etc/hosts")
        shop.remove(name)


@contextlib.contextmanager
def room(name, path, megabytes):
    """That much room at a path of a host, for a while."""
    said(name, "mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", path)
    try:
        yield
    finally:
        said(name, "umount", path)


def write(name, path, text):
    said(name, "sh", "-c", 'printf "%s" "$1" >"$2"', "sh", text, path)


@contextlib.contextmanager
def an_hour_ahead(name):
    """A Python for modules that reads another clock; gives the variable by which Ansible takes it."""
    place = "/root/ahead"
    clock = "import time\nread = time.time\ntime.time = lambda: read() + 3600\n"
    said(name, "mkdir", place)
    write(name, f"{place}/sitecustomize.py", clock)
    write(name, f"{place}/python", f'#!/bin/sh\nPYTHONPATH={place} exec python3 "$@"\n')
    said(name, "chmod", "755", f"{place}/python")
    try:
        yield {"ansible_python_interpreter": f"{place}/python"}
    finally:
        said(name, "rm", "-r", place)


def test_no_room_and_a_wrong_clock_are_refused_before_anything_changes(run_on_hosts, before, first, second):
    with room(first, "/usr/local/bin", 50), an_hour_ahead(second) as python:
        played = run_on_hosts("join_vm", differing={second: python})
    assert played.code == 2, played.output
    assert "/usr/local/bin: 50 MB are free, 300 are needed (free some space)" in played.output
    assert (
        "clock: 3600 s ahead of the controller's, and certificates tell by it whether they are valid" in played.output
    )
    assert sum(played.changed.values()) == 0
    assert {name: snapshot(name) for name in before} == before


def test_the_disk_fills_up_in_the_middle(run_on_hosts, before, first, seen):
    """Somebody takes all room when the package has come; the programs are larger than what is left."""
    come = "until ls /var/lib/meshops/*.deb >/dev/null 2>&1; do sleep 0.05; done"
    fill = f"{come}; fallocate -l 340M /usr/local/bin/others"
    with room(first, "/usr/local/bin", 400), subprocess.Popen(HostHome(first).inside("sh", "-c", fill)) as somebody:
        try:
            played = run_on_hosts("join_vm", "--limit", first)
        finally:
            somebody.kill()
    assert played.code == 2, played.output
    assert "No space left on device" in played.output
    assert "dpkg" not in control.execute(first, "dpkg-query", "-s", "istio-sidecar").stdout
    assert left_over(first) == []
    assert not intercepted(first)
    assert lets_in(seen.lab.host(first))


@pytest.fixture
def start(inventory, automation, declared, before):
    """Begins a run that goes on."""

    def begin(limit):
        known = ["-i", str(INVENTORY), "-i", str(inventory()), "-e", f"@{automation.variables}"]
        return subprocess.Popen(
            ["ansible-playbook", *known, "meshops.mesh.join_vm", "--limit", limit],
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return begin


def until(process, task):
    """Read what it says until a task begins."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("TASK") and task in line:
            return
    raise AssertionError("".join(lines))


def kill(process):
    """As when the controller loses its power."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_two_joins_at_once(start, second, seen):
    runs = [start(second) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        outputs = [both[0] for both in pool.map(subprocess.Popen.communicate, runs)]
    # The one whose package the other took away says so; it would go on where that one stopped.
    codes = sorted(run.returncode for run in runs)
    assert codes in ([0, 0], [0, 2]), outputs
    assert all(
        output.count("fatal:") == code // 2
        for output, code in zip(sorted(outputs, key=lambda text: "fatal:" in text), codes, strict=True)
    )
    assert left_over(second) == []
    assert lets_in(seen.lab.host(second))
    assert seen.healthy(second)


def test_runs_that_die(start, first, second, seen, settled, run_on_hosts):
    """Each goes on where the one before was stopped: the controller dies, SSH breaks, the link is down for a while."""
    dies = start(first)
    until(dies, "Note what the host is like")
    kill(dies)
    assert lets_in(seen.lab.host(first))

    cut = start(first)
    until(cut, "Install the deb")
    time.sleep(1)  # well into it
    os.kill(connection(seen.lab.host(first)), signal.SIGKILL)
    output = cut.communicate()[0]
    assert "UNREACHABLE" in output, output
    assert lets_in(seen.lab.host(first))

    dies = start(first)
    until(dies, "Look at the host")
    control.set_link(first, up=False)
    time.sleep(10)
    control.set_link(first, up=True)
    until(dies, "Put the files there")
    kill(dies)
    assert lets_in(seen.lab.host(first))

    dies = start(first)
    until(dies, "Start the agent, or start it anew")
    kill(dies)
    assert lets_in(seen.lab.host(first))

    played = run_on_hosts("join_vm")
    assert played.code == 0, played.output
    assert played.changed[second] == 0
    assert seen.healthy(first)
    settled()
    assert rules(first) == OWN_RULES


OWN_RULES = sorted(f"-A {rule.partition(' -A ')[2]}" for rule in RULES)


def connection(host):
    """The process by which Ansible's sessions on a host share a connection."""
    directory = HostHome(host.name).sessions
    (path,) = directory.iterdir()
    done = subprocess.run(
        ["ssh", "-O", "check", "-o", f"ControlPath={path}", host.address], capture_output=True, text=True, check=True
    )
    return int(done.stderr.partition("pid=")[2].partition(")")[0])


def test_the_agent_is_killed_and_a_host_reboots(first, second, seen, settled):
    away = {name: seen.since(name) for name in (first, second)}
    said(first, "pkill", "-KILL", "-x", "pilot-agent")
    await_(lambda: not intercepted(first), 5)
    assert "200 OK" in curl(first, f"http://127.0.0.1:{PORT}/health")
    assert rules(first) == OWN_RULES
    control.reboot(second)
    for name in (first, second):
        await_(lambda name=name: seen.since(name) not in ("", away[name]), 30)
        assert intercepted(name)
    assert control.execute(second, "test", "-e", TOKEN).returncode == 1
    settled()


def test_istiod_restarts_and_the_api_server_is_away(first, second, seen, clusters_of_module, run_on_hosts, settled):
    cluster = clusters_of_module[CLUSTER]
    away = {name: seen.since(name) for name in (first, second)}
    replace_pods(cluster, "app=istiod")
    for name in (first, second):
        await_(lambda name=name: seen.since(name) not in ("", away[name]), 60)

    before = {name: snapshot(name) for name in (first, second)}
    server = Home(CLUSTER).process("kube-apiserver").pid()
    with ThreadPoolExecutor() as pool:
        # By a host, as nobody can follow what a pod says while the API server is away.
        calls = pool.submit(curl, second, "--rate", "120/m", f"{DETAILS[:-1]}[0-{CALLS - 1}]")
        await_(lambda: "details" in said(second, "tail", "-1", "/var/log/istio/istio.log"), 20)
        os.kill(server, signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            played = run_on_hosts("join_vm")
            time.sleep(max(0, AWAY_SECONDS - (time.monotonic() - stopped)))
            answers = [curl(name, DETAILS) for name in (first, second)]
            # istiod lets a host in only when it can write its WorkloadEntry.
            said(first, "systemctl", "restart", "istio")
        finally:
            os.kill(server, signal.SIGCONT)
        called = calls.result()
    assert played.code == 2, played.output
    assert "no answer from https://" in played.output
    assert sum(played.changed.values()) == 0
    assert all("200 OK" in answer for answer in answers), answers
    assert called.count("200 OK") == CALLS, called
    assert {name: snapshot(name) for name in (first, second)} == before
    for name in (first, second):
        await_(lambda name=name: seen.healthy(name), 60)
    settled()


def test_the_gateway_gets_another_address(first, second, seen, clusters_of_module, run_on_hosts, settled):
    cluster = clusters_of_module[CLUSTER]
    service = ref({"apiVersion": "v1", "kind": "Service", "metadata": {"name": GATEWAY, "namespace": "istio-system"}})
    new = str(list(ipaddress.ip_network(seen.lab.cluster(CLUSTER).load_balancer_pool))[-2])

    def address():
        return current(cluster.get("v1", "Service", "istio-system", GATEWAY))

    assert address() != new
    cluster.merge_patch(service, {"spec": {"type": "ClusterIP"}})
    await_(lambda: not address(), 10)
    cluster.merge_patch(service, {"spec": {"type": "LoadBalancer", "loadBalancerIP": new}})
    await_(lambda: address() == new, 10)
    away = {name: seen.since(name) for name in (first, second)}
    # As long as it lives, a connection to the old address is served by the node.
    replace_pods(cluster, f"app={GATEWAY}")
    played = run_on_hosts("join_vm")
    assert played.code == 0, played.output
    for name in (first, second):
        await_(lambda name=name: seen.since(name) not in ("", away[name]), 90)
        assert f"{new} istiod.istio-system.svc" in said(name, "cat", "/etc/hosts")
        assert HOSTS_LINE in said(name, "cat", "/etc/hosts")
    settled()


def test_a_token_and_a_certificate_that_have_expired(first, second, clusters_of_module, run_on_hosts, settled, seen):
    said(first, "systemctl", "stop", "istio")
    said(first, "rm", CHAIN, KEY)
    said(first, "install", "-d", "-o", "istio-proxy", "/run/secrets/tokens")
    write(first, TOKEN, outlived(clusters_of_module[CLUSTER]))
    said(first, "chown", "istio-proxy", TOKEN)
    said(first, "systemctl", "start", "istio")
    expire(clusters_of_module[CLUSTER], second)
    for name, line in ((first, "Unauthenticated"), (second, "cert expired")):
        await_(lambda name=name, line=line: line in said(name, "tail", "-40", "/var/log/istio/istio.log"), 20)
    played = run_on_hosts("join_vm")
    assert played.code == 0, played.output
    assert all(played.changed[name] for name in (first, second))
    for name in (first, second):
        assert seen.healthy(name)
        assert said(name, "openssl", "x509", "-in", CHAIN, "-noout", "-checkend", "3600")
    settled()


def outlived(cluster):
    """A token of the host's account as it is a day after it was issued for ten minutes: in all else the cluster's."""
    token, _ = cluster.token(SPACE, FIRST, "istio-ca", 600)
    head, body, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(f"{body}=="))
    aged = {name: claims[name] - 24 * 3600 for name in ("iat", "nbf", "exp")}
    text = base64.urlsafe_b64encode(json.dumps({**claims, **aged}).encode()).rstrip(b"=").decode()
    key = serialization.load_pem_private_key((Home(CLUSTER).pki / "sa.key").read_bytes(), None)
    both = utils.decode_dss_signature(key.sign(f"{head}.{text}".encode(), ec.ECDSA(hashes.SHA256())))
    signature = b"".join(number.to_bytes(32, "big") for number in both)  # RFC 7518, section 3.4
    return f"{head}.{text}." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


def expire(cluster, name):
    """The host's certificate, as the mesh's authority would have issued it two days ago for one day."""
    data = cluster.get("v1", "Secret", "istio-system", "istio-ca-secret")["data"]
    key = serialization.load_pem_private_key(base64.b64decode(data["ca-key.pem"]), None)
    issuer = x509.load_pem_x509_certificate(base64.b64decode(data["ca-cert.pem"])).subject
    chain = x509.load_pem_x509_certificates(said(name, "cat", CHAIN).encode())
    leaf, day = chain[0], datetime.timedelta(days=1)
    old = x509.CertificateBuilder(
        issuer,
        leaf.subject,
        leaf.public_key(),
        x509.random_serial_number(),
        leaf.not_valid_before_utc - 2 * day,
        leaf.not_valid_before_utc - day,
        list(leaf.extensions),
    ).sign(key, hashes.SHA256())
    text = "".join(item.public_bytes(Encoding.PEM).decode() for item in (old, *chain[1:]))
    said(name, "systemctl", "stop", "istio")
    write(name, CHAIN, text)
    said(name, "systemctl", "start", "istio")


def identity(name):
    return said(name, "openssl", "x509", "-in", CHAIN, "-noout", "-ext", "subjectAltName").split("URI:")[1].strip()


def test_another_group_and_another_version(first, second, seen, run_on_hosts, settled):
    missing = {**package(seen.lab, ISTIO_NEXT), "url": f"{seen.lab.package_url}/nothing.deb"}
    played = run_on_hosts("join_vm", "--limit", second, differing={second: {"vm_workload_package": missing}})
    assert played.code == 2, played.output
    assert played.changed == {second: 0}
    moved = {first: {"vm_workload_group": THIRD}, second: {"vm_workload_package": package(seen.lab, ISTIO_NEXT)}}
    for differing, own, version in ((moved, THIRD, ISTIO_NEXT), ({}, FIRST, ISTIO)):
        played = run_on_hosts("join_vm", differing=differing)
        assert played.code == 0, played.output
        assert identity(first) == f"spiffe://cluster.local/ns/{SPACE}/sa/{own}"
        assert said(second, "dpkg-query", "-Wf", "${Version}", "istio-sidecar") == version
        await_(lambda own=own: [item["group"] for item in seen.entries(first)] == [own], 30)
    settled()


def test_they_leave_as_they_came(run_on_hosts, before, first, second, seen):
    played = run_on_hosts("leave_vm")
    assert played.code == 0, played.output
    assert {name: snapshot(name) for name in (first, second)} == before
    assert rules(first) == OWN_RULES
    assert [seen.entries(name) for name in (first, second)] == [[], []]
