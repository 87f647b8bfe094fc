# SPDX-License-Identifier: Apache-2.0
"""Hosts outside Kubernetes join the shop's mesh, are called and call, and leave it as if they had never been there."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
import yaml
from mesh.apply.readiness import status_of
from mesh.model.objects import ref

from lab import paths
from lab.home import Home
from lab.hosts import control
from lab.hosts import workload as shop
from lab.hosts.home import HostHome
from lab.sidecar import published
from lab.versions import IMAGE_CLIENT as CLIENT

CLUSTER, SPACE = "onprem", "shop"
#: On the cluster's network, and on one of its own.
NEAR, FAR = "vm1", "vm2"
GROUPS = {NEAR: "ratings-vm", FAR: "far"}
PORT = 9080
VERSION = "host"
NAME = "ratings.host.example.com"


def group(name, **more):
    labels = {"app": name, "version": VERSION}
    probe = {"http_get": {"port": PORT, "path": "/health"}, "period_seconds": 2}
    return {"name": name, "namespace": SPACE, "labels": labels, "ports": {"http": PORT}, "probe": probe, **more}


@pytest.fixture(scope="module")
def machines(lab):
    if {NEAR, FAR} - {host.name for host in lab.hosts}:
        pytest.skip("the lab has no hosts; run: python -m lab up --hosts 2")
    return {host.name: host for host in lab.hosts}


@pytest.fixture(scope="module")
def declared(core, machines, lab):
    """The way to istiod, and the groups with the names by which their hosts are called."""
    charts = {"repository": lab.chart_repository, "plain_http": True}
    gateway = {
        "name": "istio-eastwestgateway",
        "namespace": "istio-system",
        "type": "eastwest",
        "network": lab.cluster(CLUSTER).network,
        "version": lab.istio_version,
        "charts": charts,
        "expose": ["istiod", "services"],
        "replicas": 1,
        "image_pull_policy": "IfNotPresent",
    }
    core(CLUSTER, "gateway", gateway)
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
    core(CLUSTER, "gateway", gateway, "absent")


@pytest.fixture(scope="module")
def inventory(machines, lab, tmp_path_factory):
    """The lab's hosts with what the role needs to know of them."""
    path = tmp_path_factory.mktemp("hosts") / "hosts.json"
    known = yaml.safe_load((paths.STATE / "hosts.yml").read_text(encoding="utf-8"))["mesh_vms"]["hosts"]
    url, checksum = published(lab)
    package = {"url": url, "checksum": f"sha256:{checksum}"}
    common = {"vm_workload_cluster": CLUSTER, "vm_workload_namespace": SPACE, "vm_workload_package": package}
    hosts = {name: {**known[name], "vm_workload_group": GROUPS[name]} for name in GROUPS}
    path.write_text(json.dumps({"mesh_vms": {"hosts": hosts, "vars": common}}), encoding="utf-8")
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


def said(name, *command):
    done = control.execute(name, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def client(clusters_of_module, lab):
    """A pod of the shop that resolves names of the mesh, and calls."""
    cluster = clusters_of_module[CLUSTER]
    marks = {"proxy.istio.io/config": 'proxyMetadata: {ISTIO_META_DNS_CAPTURE: "true"}'}
    container = {"name": "client", "image": CLIENT, "command": ["sleep", "infinity"], "imagePullPolicy": "IfNotPresent"}
    metadata = {"name": "hosts-client", "namespace": SPACE, "annotations": marks, "labels": {"app": "hosts-client"}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    cluster.apply(pod, "test")
    key = ref(pod)
    await_(lambda: status_of(cluster.get("v1", "Pod", SPACE, key.name)).ready, 60)

    def call(*arguments):
        command = ["kubectl", f"--kubeconfig={lab.kubeconfig}", f"--context={CLUSTER}", f"--namespace={SPACE}"]
        asked = ["curl", "--silent", "--show-error", "--max-time", "10", "--include", *arguments]
        done = subprocess.run(
            [*command, "exec", key.name, "--container=client", "--", *asked],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    yield call
    cluster.delete(key)


@pytest.fixture(scope="module")
def clusters_of_module(connections):
    for cluster in connections.values():
        cluster.forget_kinds()
    return connections


def await_(condition, seconds):
    """The last value of a condition, when it holds or the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert found


def curl(name, *arguments):
    """What a host gets by its own means."""
    done = control.execute(name, "curl", "--silent", "--show-error", "--max-time", "10", "--include", *arguments)
    return done.stdout + done.stderr


def snapshot(name):
    """All of a host that joining could touch: files, accounts, rules of netfilter."""
    found = said(name, "sh", "-c", _LOOK)
    return found.splitlines()


#: What package managers and services write for themselves is none of ours.
_LOOK = """
find /etc /usr/local /opt /lib/systemd /usr/lib/systemd /var/lib /var/log/istio /run/secrets /run/meshops \
  \\( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/rpm -o -path /var/lib/dnf \
     -o -path /var/lib/systemd -o -path /var/lib/private -o -path /var/lib/ucf -o -name '*-' \\) -prune \
     -o -printf '%y %m %u %g %p %l\n' 2>/dev/null | sort
sha256sum /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/hosts /etc/resolv.conf /etc/nsswitch.conf
for program in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft; do
  for table in nat mangle raw filter; do echo $program $table; $program -w -t $table -S 2>&1 | grep -c -v '^-P'; done
done
if test -e /usr/bin/dpkg-query; then dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\n' | grep '^i'
else rpm --query --all; fi
"""


@pytest.fixture(scope="module")
def before(machines, workload):
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


def told(core):
    """Hosts that are connected, by address."""
    found = core(CLUSTER, "workload_info", {}).result["workloads"]
    return {item["address"]: item for item in found if item["connected"]}


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
