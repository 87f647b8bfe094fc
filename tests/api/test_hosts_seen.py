# SPDX-License-Identifier: Apache-2.0
"""Hosts outside Kubernetes in mesh_info and mesh_verify, on a real API server."""

from __future__ import annotations

from functools import partial

import pytest
from mesh.kube.transport import Transport
from mesh.model.errors import MeshError
from mesh.model.objects import Ref, ref
from mesh.model.options import Connection
from mesh.model.permissions import as_rules, of_rules
from mesh.model.spec import parse
from mesh.operations import workloads
from mesh.operations.registry import OPERATIONS

from tests import accounts
from tests.configured import serve_workload_kinds

from .conftest import API, Api
from .policies import until
from .registered import GROUP, ago, register
from .test_verify import istiod

LIST = f"/apis/{GROUP}/v1/workloadentries"
DEFINITION = Ref("apiextensions.k8s.io", "CustomResourceDefinition", "", f"workloadentries.{GROUP}")
BOTH = ["mesh_info", "mesh_verify"]


@pytest.fixture
def hosts(workload_kinds, cluster, namespace):
    """Writes hosts of the test's namespace down; other tests see none of them."""
    cluster.forget_kinds()
    yield partial(register, cluster, namespace)
    for entry in workloads.entries(cluster, namespace):
        cluster.delete(ref(entry))


@pytest.fixture
def asked(monkeypatch):
    """Paths of all requests."""
    paths, real = [], Transport.raw

    def raw(self, method, path, **request):
        paths.append(path)
        return real(self, method, path, **request)

    monkeypatch.setattr(Transport, "raw", raw)
    return paths


@pytest.fixture
def told(api, namespace):
    """What an operation says of the test's namespace; it is as its types are."""

    def tell(name, **options):
        result = api(name, {"namespace": namespace, **options}).result
        parse(OPERATIONS[name].returns, result)
        return result

    return tell


def of(items, namespace):
    """Hosts of a namespace, or evidence of hosts."""
    return [item for item in items if namespace == item.get("namespace") or item.get("hop") == "workloads"]


def test_hosts_are_told_as_workload_info_tells_them(hosts, told, namespace, asked):
    hosts("192.0.2.1", at=ago(minutes=1), healthy=True, network="vms", labels={"app": "ratings"})
    hosts("192.0.2.2", at=ago(minutes=1), gone=ago(seconds=5))
    found = of(told("mesh_info")["workloads"], namespace)
    assert asked.count(LIST) == 1
    assert [(item["address"], item["connected"], item["healthy"]) for item in found] == [
        ("192.0.2.1", True, True),
        ("192.0.2.2", False, None),
    ]
    assert found == told("workload_info")["workloads"]


def test_what_is_wrong_with_hosts(cluster, hosts, told, namespace):
    """istiod's own patience is read from its Deployment: here connections live for 10 minutes."""
    deployment = istiod(namespace, namespace)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["args"] = ["discovery", "--keepaliveMaxServerConnectionAge", "10m"]
    cluster.apply(deployment, "them")
    times = {name: ago(**parts) for name, parts in {"now": {"seconds": 9}, "old": {"minutes": 16}}.items()}
    hosts("192.0.2.1", at=times["now"])
    hosts("192.0.2.2", at=times["now"], healthy=False, message="HTTP 500")
    hosts("192.0.2.3", gone=times["now"])
    hosts("192.0.2.4", gone=times["old"])
    hosts("192.0.2.5", at=times["old"])
    hosts("192.0.2.6", at=times["now"])
    hosts("192.0.2.6", "details", at=times["now"])
    hosts("192.0.2.1", "elsewhere", at=times["now"], network="vms")
    delete = "if the host is gone, delete its WorkloadEntry"
    concerns = [item for item in told("mesh_info")["concerns"] if namespace in item["about"] + item["text"]]
    assert [(item["severity"], item["about"], item["text"]) for item in concerns if item["about"][0] != "r"] == [
        (
            "critical",
            "address 192.0.2.6",
            f"is that of {namespace}/details-192.0.2.6 and {namespace}/ratings-192.0.2.6, all connected; "
            "give each host its own",
        ),
        ("critical", f"host {namespace}/ratings-192.0.2.2", "its probe fails: HTTP 500"),
        (
            "critical",
            f"host {namespace}/ratings-192.0.2.4",
            f"is not connected since {times['old']}; look at its agent, and why istiod still keeps it; {delete}",
        ),
        (
            "warning",
            f"host {namespace}/ratings-192.0.2.3",
            f"is not connected since {times['now']}; look at its agent",
        ),
        (
            "warning",
            f"host {namespace}/ratings-192.0.2.5",
            f"connected at {times['old']} and not again since, as every agent does; {delete}",
        ),
    ]


def test_metrics_of_hosts(cluster, hosts, told, namespace):
    cluster.apply(istiod(namespace, "one"), "them")
    hosts("192.0.2.1", healthy=True)
    hosts("192.0.2.1", name="other", network="vms", gone=True)
    lines = [line for line in told("mesh_info")["metrics"].splitlines() if f'namespace="{namespace}"' in line]
    labels = f'cluster="api",namespace="{namespace}",group="ratings",address="192.0.2.1"'
    assert lines == [
        f'meshops_revision_ready{{cluster="api",namespace="{namespace}",revision="one",version="1.31.0"}} 0',
        f'meshops_workload_connected{{{labels},entry="other"}} 0',
        f'meshops_workload_connected{{{labels},entry="ratings-192.0.2.1"}} 1',
        f'meshops_workload_healthy{{{labels},entry="ratings-192.0.2.1"}} 1',
    ]


def test_the_first_host_that_does_not_work_is_named(hosts, told, namespace, asked):
    hosts("192.0.2.1", healthy=True)
    hosts("192.0.2.2", healthy=False, message="HTTP 500")
    hosts("192.0.2.3", healthy=False, gone=True)
    proof = told("mesh_verify", workload_groups=[f"{namespace}/ratings", f"{namespace}/details"])
    assert asked.count(LIST) == 1
    found = [(item["about"], item["passed"], item["text"]) for item in of(proof["evidence"], namespace)]
    assert [item for item in found if namespace in item[0]] == [
        (f"group {namespace}/ratings", True, "connected hosts: 2"),
        (f"group {namespace}/details", False, "has no connected host"),
        (f"host {namespace}/ratings-192.0.2.2", False, "its probe fails: HTTP 500"),
    ]


@pytest.fixture
def unserved(hosts, cluster, lab):
    """For the length of a test nobody serves WorkloadEntries."""
    cluster.delete(DEFINITION)
    until(lambda: cluster.get("apiextensions.k8s.io/v1", DEFINITION.kind, "", DEFINITION.name) is None)
    until(lambda: not _served(cluster))
    yield
    serve_workload_kinds(cluster, lab.charts)


def _served(cluster):
    cluster.forget_kinds()
    return cluster.resource(f"{GROUP}/v1", "WorkloadEntry") is not None


@pytest.mark.parametrize("name", BOTH)
def test_where_nobody_serves_the_kind_nobody_is_asked(unserved, api, told, asked, name):
    """But it may come, and roles of today must do then."""
    result = told(name)
    assert [path for path in asked if "workload" in path] == []
    assert [item for item in result.get("evidence", ()) if item["hop"] == "workloads"] == []
    assert result.get("workloads", []) == []
    roles = api("rbac", {"declarations": [{name: {}}]}).result["objects"]
    assert workloads.LIST in {item for role in roles for item in of_rules(role.get("rules", ()))}


@pytest.mark.parametrize("name", BOTH)
def test_the_derived_roles_are_enough_and_hosts_are_seen_by_them(hosts, cluster, api, lab, namespace, name):
    hosts("192.0.2.1")
    account = accounts.Account(cluster, namespace)
    derived = account.derived([{name: {"namespace": namespace}}], namespace)
    run = Api(Connection(host=lab.cluster(API).server, api_key=account.token, validate_certs=False), api.writes)
    try:
        account.grant(derived)
        found = run(name, {"namespace": namespace}).result
        assert of(found.get("workloads") or found["evidence"], namespace)
        for role in derived:
            if "rules" in role:
                cluster.apply(
                    {**role, "rules": as_rules(of_rules(role["rules"]) - {workloads.LIST})}, "admin", force=True
                )
        account.await_effect([workloads.LIST], allowed=False)
        with pytest.raises(MeshError, match="workloadentries") as caught:
            run(name, {"namespace": namespace})
        assert caught.value.code == "forbidden"
    finally:
        account.forget(derived)
