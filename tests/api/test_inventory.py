# SPDX-License-Identifier: Apache-2.0
"""Hosts outside Kubernetes as an inventory, read by Ansible from a real API server."""

from __future__ import annotations

import ast
import subprocess
from functools import partial
from pathlib import Path

import pytest
import yaml
from mesh.model.objects import ref
from mesh.model.permissions import of_rules
from mesh.operations import workloads

from tests import accounts
from tests.collection import ROOT
from tests.unit.inventory.reading import listed, read

from .conftest import API
from .registered import GROUP, register

PLUGIN = ROOT / "plugins" / "inventory" / "workloads.py"
CONTEXTS = ("onprem", "cloud-1", "cloud")


@pytest.fixture
def hosts(workload_kinds, cluster, namespace):
    """Writes hosts of the test's namespace down; other tests see none of them."""
    cluster.forget_kinds()
    yield partial(register, cluster, namespace)
    for entry in workloads.entries(cluster, namespace):
        cluster.delete(ref(entry))


@pytest.fixture
def kubeconfig(lab, tmp_path):
    """Several contexts, all of one cluster; the first is the current one."""
    config = yaml.safe_load(Path(lab.kubeconfig).read_text())
    context = next(item["context"] for item in config["contexts"] if item["name"] == API)

    def write(*names):
        contexts = [{"name": name, "context": context} for name in names]
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump({**config, "contexts": contexts, "current-context": names[0]}))
        return path

    write(*CONTEXTS)
    return write


@pytest.fixture
def inventory(kubeconfig, namespace, tmp_path):
    """Writes an inventory of the test's namespace."""

    def write(file="workloads.yml", **options):
        path = tmp_path / file
        path.write_text(
            yaml.safe_dump(
                {"plugin": "meshops.mesh.workloads", "kubeconfig": "kubeconfig", "namespaces": [namespace], **options}
            )
        )
        return path

    return write


def names(found, group):
    return sorted(found.get(group, {}).get("hosts", []))


def in_group(text):
    """As Ansible has it in names of groups."""
    return text.replace("-", "_")


def test_what_a_host_has(hosts, inventory, namespace, tmp_path):
    """What looks like a template is data, in variables and in what is made of them, whoever looks at it."""
    made = tmp_path / "made"
    evil = f"{{{{ lookup('pipe', 'touch {made}') }}}}"
    hosts("192.0.2.1", healthy=True, network=evil, locality="eu/a/1", labels={"app": evil})
    path = inventory(
        context="onprem",
        compose={"composed": "mesh_workload.labels.app", "joined": "'x ' ~ mesh_workload.network"},
        keyed_groups=[{"prefix": "app", "key": "mesh_workload.labels.app"}],
        groups={"eu": "mesh_workload.locality.startswith('eu/')"},
        strict=True,
    )
    found, name = read(path), f"onprem-{namespace}-ratings-192.0.2.1"
    variables = found["_meta"]["hostvars"][name]
    assert variables == {
        "ansible_host": "192.0.2.1",
        "composed": evil,
        "joined": f"x {evil}",
        "mesh_workload": {
            "address": "192.0.2.1",
            "cluster": "onprem",
            "connected": True,
            "group": "ratings",
            "healthy": True,
            "labels": {"app": evil},
            "locality": "eu/a/1",
            "message": "",
            "name": "ratings-192.0.2.1",
            "namespace": namespace,
            "network": evil,
            "service_account": "ratings",
            "since": "2026-11-22T06:00:00Z",
        },
    }
    groups = {group for group, told in found.items() if group != "all" and name in told.get("hosts", ())}
    spelled = "".join(sign if sign.isalnum() else "_" for sign in evil)
    assert groups == {
        *("cluster_onprem", "connected", "healthy", "eu", "mesh_workloads"),
        *(f"group_{in_group(namespace)}_ratings", f"network_{spelled}", f"app_{spelled}"),
    }
    command = [
        "ansible",
        "-i",
        str(path),
        name,
        "-m",
        "ansible.builtin.debug",
        "-a",
        "var=hostvars[inventory_hostname]",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert shown.count(f"touch {made}") == 4
    assert not made.exists()


def test_groups_tell_who_is_well(hosts, api, inventory, namespace):
    """Static entries have no agent, and groups may be without hosts."""
    hosts("192.0.2.1", healthy=True)
    hosts("192.0.2.2", healthy=False, gone=True)
    hosts("192.0.2.3", "details", network="vms")
    static = {"name": "old", "address": "old.example.com"}
    api("workload_group", {"name": "legacy", "namespace": namespace, "entries": [static]})
    try:
        found = read(inventory(context="onprem"))
    finally:
        api("workload_group", {"name": "legacy", "namespace": namespace}, "absent")
    first, second, third, fourth = (
        f"onprem-{namespace}-{name}" for name in ("ratings-192.0.2.1", "ratings-192.0.2.2", "details-192.0.2.3", "old")
    )
    everybody = sorted([first, second, third, fourth])
    expected = {
        "mesh_workloads": everybody,
        "cluster_onprem": everybody,
        "healthy": [first],
        "unhealthy": [second],
        "unknown": [third, fourth],
        "connected": sorted([first, third]),
        "disconnected": [second],
        "network_vms": [third],
        f"group_{in_group(namespace)}_ratings": sorted([first, second]),
        f"group_{in_group(namespace)}_details": [third],
    }
    assert {group: names(found, group) for group in expected} == expected
    assert f"group_{in_group(namespace)}_legacy" in found["all"]["children"]
    assert found["_meta"]["hostvars"][fourth]["ansible_host"] == "old.example.com"


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ([], ["details-192.0.2.2", "ratings-192.0.2.1"]),
        (["ratings"], ["ratings-192.0.2.1"]),
        (["{0}/ratings", "{0}/details"], ["details-192.0.2.2", "ratings-192.0.2.1"]),
        (["other/ratings"], []),
    ],
)
def test_which_groups(hosts, inventory, namespace, wanted, there):
    hosts("192.0.2.1")
    hosts("192.0.2.2", "details")
    found = read(inventory(context="onprem", workload_groups=[text.format(namespace) for text in wanted]))
    assert names(found, "mesh_workloads") == [f"onprem-{namespace}-{name}" for name in there]


def test_what_is_no_address_is_none_to_connect_to(hosts, inventory, namespace):
    """An option of ssh, a socket, nothing."""
    for number, address in enumerate(["-oProxyCommand=touch x", "unix:///run/x", ""]):
        hosts(address, name=f"host-{number}", network="vms")
    variables = read(inventory(context="onprem"))["_meta"]["hostvars"]
    assert ["ansible_host" in variables[f"onprem-{namespace}-host-{number}"] for number in range(3)] == [False] * 3


NAMES = [
    ([], "onprem-{0}-a"),
    (["mesh_workload.labels.there"], "web-1"),
    (["mesh_workload.labels.nowhere", "mesh_workload.labels.there ~ '.vm'"], "web-1.vm"),
    (["mesh_workload.labels.nowhere.split('.')[0]", "nothing_at_all"], "onprem-{0}-a"),
    (["mesh_workload.labels.here", "ansible_host"], "192.0.2.1"),
    (["mesh_workload.labels.pattern"], "a-b-c-d"),
    (["mesh_workload.labels"], "onprem-{0}-a"),
    (["''"], "onprem-{0}-a"),
]


def test_names_of_hosts(hosts, inventory, namespace):
    """All in one run of Ansible: a group tells what came of which file."""
    labels = {"here": "localhost", "there": "web-1", "pattern": "a:b,c[d]"}
    hosts("192.0.2.1", name="a", labels=labels)
    paths = [
        inventory(f"{number}-workloads.yml", context="onprem", hostnames=given, groups={f"case_{number}": "true"})
        for number, (given, _) in enumerate(NAMES)
    ]
    found = [read(path) for path in paths]
    assert [names(told, f"case_{number}") for number, told in enumerate(found)] == [
        [name.format(namespace)] for _, name in NAMES
    ]


MISTAKES = [
    (
        ["mesh_workload.network"],
        "hostnames: two hosts are named vms: WorkloadEntry {0}/a of onprem and WorkloadEntry {0}/b",
    ),
    (["mesh_workload | nothing"], "hostnames[0]: "),
    (["{{ mesh_workload.name }}"], "hostnames[0]: "),
]


@pytest.mark.parametrize(("given", "told"), MISTAKES)
def test_names_that_cannot_be(hosts, inventory, namespace, given, told):
    for number, name in enumerate("ab"):
        hosts(f"192.0.2.{number}", name=name, network="vms")
    done = listed(inventory(context="onprem", hostnames=given))
    assert told.format(namespace) in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "clusters"),
    [
        ({"clusters": [{"name": "a", "context": "onprem"}, {"name": "b", "context": "cloud"}]}, ["a", "b"]),
        ({"contexts": ["cloud*"]}, ["cloud", "cloud-1"]),
        ({"contexts": ["cloud"]}, ["cloud"]),
        ({}, ["cluster"]),
        ({"clusters": [{"name": "arn:aws:eks:x/y", "context": "onprem"}]}, ["arn-aws-eks-x-y"]),
    ],
)
def test_of_which_clusters(hosts, inventory, namespace, options, clusters):
    hosts("192.0.2.1")
    found = read(inventory(**options))
    assert names(found, "mesh_workloads") == sorted(f"{name}-{namespace}-ratings-192.0.2.1" for name in clusters)
    assert all(f"cluster_{in_group(name)}" in found for name in clusters)


def test_one_cluster_that_is_away_leaves_the_others(hosts, inventory, namespace):
    hosts("192.0.2.1")
    away = {"name": "away", "host": "https://127.0.0.1:1", "api_key": "a-token-that-nobody-sees"}
    clusters = [away, {"name": "here", "context": "cloud"}]
    path = inventory(clusters=clusters, strict_clusters=False)
    assert names(read(path), "mesh_workloads") == [f"here-{namespace}-ratings-192.0.2.1"]
    strict = listed(inventory(clusters=clusters))
    assert "away: " in strict.stderr
    assert "ratings" not in strict.stdout
    assert "nobody-sees" not in strict.stdout + strict.stderr


def test_two_groups_that_come_to_one_name_are_told(hosts, cluster, inventory, namespace):
    for name in ("a-b", "a.b"):
        metadata = {"name": name, "namespace": namespace}
        group = {"apiVersion": f"{GROUP}/v1", "kind": "WorkloadGroup", "metadata": metadata, "spec": {"template": {}}}
        cluster.apply(group, "them")
    done = listed(inventory(context="onprem"))
    group = f"group_{in_group(namespace)}_a_b"
    told = f"group {group} has the hosts of {namespace}/a-b and of {namespace}/a.b"
    assert told in " ".join(done.stderr.split())


def test_the_cache_answers_until_it_is_flushed_or_something_else_is_asked(
    hosts, inventory, kubeconfig, namespace, tmp_path
):
    hosts("192.0.2.1")
    kept = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "kept")}
    path = inventory(context="onprem", **kept)
    before = read(path)
    assert names(before, "mesh_workloads") == [f"onprem-{namespace}-ratings-192.0.2.1"]
    hosts("192.0.2.2")
    assert read(path) == before
    token = yaml.safe_load((tmp_path / "kubeconfig").read_text())["users"][0]["user"]
    written = "".join(file.read_text() for file in (tmp_path / "kept").iterdir())
    assert "192.0.2.1" in written
    assert not any(value in written for value in token.values())
    inventory(context="onprem", workload_groups=["details"], **kept)
    assert names(read(path), "mesh_workloads") == []
    inventory(context="cloud", **kept)
    assert len(names(read(path), "mesh_workloads")) == 2
    hosts("192.0.2.3")
    (tmp_path / "play.yml").write_text("- hosts: mesh_workloads\n")
    command = ["ansible-playbook", "-i", str(path), str(tmp_path / "play.yml"), "--list-hosts", "--flush-cache"]
    flushed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert "192.0.2.3" in flushed


def test_who_may_look_into_one_namespace_need_not_look_into_all(hosts, cluster, lab, inventory, namespace):
    hosts("192.0.2.1")
    version = "rbac.authorization.k8s.io/v1"
    metadata = {"name": namespace, "namespace": namespace}
    rules = [{"apiGroups": [GROUP], "resources": ["workloadentries", "workloadgroups"], "verbs": ["list"]}]
    account = accounts.Account(cluster, namespace)
    binding = {"roleRef": {"kind": "Role", "name": namespace, "apiGroup": version[:-3]}, "subjects": [account.subject]}
    roles = [
        {"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": rules},
        {"apiVersion": version, "kind": "RoleBinding", "metadata": metadata, **binding},
    ]
    account.grant(roles)
    account.await_effect(of_rules(rules, namespace))
    reached = {"host": lab.cluster(API).server, "api_key": account.token, "validate_certs": False, "kubeconfig": None}
    try:
        assert names(read(inventory(**reached)), "mesh_workloads") == [f"cluster-{namespace}-ratings-192.0.2.1"]
        refused = listed(inventory(**{**reached, "namespaces": []}))
    finally:
        account.forget(roles)
    assert "cluster: list workloadentries" in " ".join(refused.stderr.split())
    assert account.token not in refused.stdout + refused.stderr


def test_examples(hosts, cluster, kubeconfig, tmp_path):
    """As they stand in the documentation."""
    tree = ast.parse(PLUGIN.read_text())
    text = next(
        ast.literal_eval(item.value)
        for item in tree.body
        if isinstance(item, ast.Assign) and any(getattr(target, "id", "") == "EXAMPLES" for target in item.targets)
    )
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, "them", force=True)
    own = {"hostname": "ratings-1"}
    register(cluster, "shop", "192.0.2.11", network="vms", locality="eu/a/1", labels=own, healthy=False)
    register(cluster, "shop", "192.0.2.12")
    found = []
    try:
        for number, example in enumerate(text.split("---\n")[1:]):
            path = tmp_path / f"{number}-workloads.yml"
            path.write_text(example)
            # Where one label gives the name, a host is not to be there twice.
            written = kubeconfig(*(("onprem", "cloud")[: 1 if "hostnames" in example else 2]))
            found.append(read(path, KUBECONFIG=str(written), HOME=str(tmp_path)))
    finally:
        for entry in workloads.entries(cluster, "shop"):
            cluster.delete(ref(entry))
    assert len(found) == 3
    assert "cluster-shop-ratings-192.0.2.11" in names(found[0], "group_shop_ratings")
    assert names(found[1], "group_shop_ratings") == sorted(
        f"{cluster}-shop-ratings-192.0.2.{number}" for cluster in ("onprem", "cloud") for number in (11, 12)
    )
    assert names(found[2], "mesh_workloads") == ["onprem-shop-ratings-192.0.2.12", "ratings-1"]
    assert (names(found[2], "call_somebody"), names(found[2], "zone_a")) == (["ratings-1"], ["ratings-1"])
    one, other = (found[2]["_meta"]["hostvars"][name] for name in ("ratings-1", "onprem-shop-ratings-192.0.2.12"))
    # Before 2.19 of what expressions give nothing but text is left.
    assert (int(one["ansible_port"]), int(other["ansible_port"]), one["ansible_user"]) == (2222, 22, "ansible")
