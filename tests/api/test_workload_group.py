# SPDX-License-Identifier: Apache-2.0
"""Workload groups on a real API server, and what workload_info tells of their hosts."""

from __future__ import annotations

from functools import partial

import pytest
from mesh.model.errors import MeshError

from .registered import GROUP, register

FULL = {
    "labels": {"version": "v1"},
    "annotations": {"proxy.istio.io/config": "concurrency: 1"},
    "ports": {"http": 9080},
    "network": "vms",
    "locality": "eu/a/1",
    "weight": 7,
    "probe": {"http_get": {"port": 9080, "path": "/health", "headers": {"A": "b"}}, "period_seconds": 5},
    "service": {"ports": [{"port": 80, "target_port": 9080}, {"port": 7070, "protocol": "GRPC", "name": "rpc"}]},
    "service_entry": {"hosts": ["ratings.example.com"], "ports": [{"port": 9080}], "addresses": ["240.1.1.1"]},
    "entries": [{"name": "old", "address": "192.0.2.9", "labels": {"version": "v0"}, "weight": 1}],
}


@pytest.fixture
def data(workload_kinds, cluster, namespace):
    cluster.forget_kinds()
    return {"name": "ratings", "namespace": namespace}


@pytest.fixture
def registered(cluster, namespace):
    """Writes hosts of the test's namespace down."""
    return partial(register, cluster, namespace)


def test_declared_unchanged_changed_and_gone(api, cluster, data, namespace):
    told = api("workload_group", {**data, **FULL}, check=True)
    report = api("workload_group", {**data, **FULL})
    made = {(change.ref.kind, change.ref.name) for change in report.objects if change.action == "create"}
    expected = {("ServiceAccount", "ratings"), ("WorkloadGroup", "ratings"), ("Service", "ratings")}
    assert made == expected | {("ServiceEntry", "ratings"), ("WorkloadEntry", "old")}
    assert [change.ref for change in told.objects] == [change.ref for change in report.objects]
    names = [f"ratings.{namespace}.svc.cluster.local", "ratings.example.com"]
    assert report.result == {"service_account": "ratings", "host_names": names}
    assert not api("workload_group", {**data, **FULL}).changed
    assert api.writes == []
    group = cluster.get(f"{GROUP}/v1", "WorkloadGroup", namespace, "ratings")["spec"]
    assert group["metadata"]["labels"] == {"app": "ratings", "version": "v1"}
    assert group["template"] == {
        "serviceAccount": "ratings",
        "ports": {"http": 9080},
        "network": "vms",
        "locality": "eu/a/1",
        "weight": 7,
    }
    entry = cluster.get(f"{GROUP}/v1", "WorkloadEntry", namespace, "old")["spec"]
    assert (entry["labels"], entry["weight"]) == ({"app": "ratings", "version": "v0"}, 1)
    assert cluster.get("v1", "Service", namespace, "ratings")["spec"]["selector"] == {"app": "ratings"}
    without = {key: value for key, value in FULL.items() if key not in ("entries", "service_entry")}
    gone = {
        change.ref.kind for change in api("workload_group", {**data, **without}).objects if change.action == "delete"
    }
    assert gone == {"ServiceEntry", "WorkloadEntry"}
    api("workload_group", data, "absent")
    assert cluster.list(f"{GROUP}/v1", "WorkloadGroup", namespace) == []
    assert cluster.get("v1", "ServiceAccount", namespace, "ratings") is None
    assert not api("workload_group", data, "absent").changed


def test_the_default_account_is_nobodys(api, cluster, data, namespace):
    report = api("workload_group", {**data, "service_account": "default"})
    assert {change.ref.kind for change in report.objects if change.action == "create"} == {"WorkloadGroup"}
    api("workload_group", {**data, "service_account": "default"}, "absent")
    assert cluster.get("v1", "ServiceAccount", namespace, "default") is not None


@pytest.mark.parametrize("way", [{"tcp_socket": {"port": 1}}, {"grpc": {"port": 1}}, {"exec": {"command": ["true"]}}])
def test_probes_that_the_definition_takes(api, data, way):
    api("workload_group", {**data, "probe": way}, validate="server")
    assert not api("workload_group", {**data, "probe": way}).changed


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"probe": {}}, "probe: must say one of http_get, tcp_socket, grpc and exec, not 0 of them"),
        ({"probe": {"tcp_socket": {"port": 1}, "grpc": {"port": 1}}}, "not 2 of them"),
        ({"probe": {"tcp_socket": {"port": 0}}}, "probe.tcp_socket.port: must be a port (1 to 65535)"),
        ({"service_account": "other/sa"}, "service_account: must be a name of an object"),
        ({"entries": [{"name": "a", "address": "1.2.3"}]}, "entries[0].address: must be an IP address or a DNS name"),
        (
            {"entries": [{"name": "a", "address": "192.0.2.1"}, {"name": "b", "address": "192.0.2.1"}]},
            "entries: more than one has the address 192.0.2.1",
        ),
        (
            {"entries": [{"name": "a", "address": "2001:db8::1"}, {"name": "b", "address": "2001:DB8:0::1"}]},
            "entries: more than one has the address 2001:db8::1",
        ),
        (
            {"service": {"ports": [{"port": 80}, {"port": 80, "target_port": 81}]}},
            "service.ports: more than one is named http-80",
        ),
        ({"service": {"ports": [{"port": 80, "target_port": 70000}]}}, "service.ports[0].target_port: must be a port"),
        ({"service": {"ports": [{"port": 80, "name": "No_Label"}]}}, "service.ports[0].name: must be a DNS label"),
        ({"labels": {"a b": "c"}}, "labels: must hold labels, and a b=c is none"),
        ({"selector": {"app": "others"}}, "selector: selects none of the hosts"),
        ({"ports": {"http": 99999}}, "ports: must hold ports by name, and http: 99999 is none"),
        ({"service": {"ports": []}}, "service.ports: must name at least one"),
        ({"service_entry": {"hosts": ["a b"], "ports": [{"port": 1}]}}, "service_entry.hosts: must hold DNS names"),
    ],
)
def test_bad_input_is_named(api, data, wrong, text):
    with pytest.raises(MeshError) as caught:
        api("workload_group", {**data, **wrong})
    assert (caught.value.code, text in str(caught.value)) == ("invalid_option", True), caught.value
    assert api.writes == []


def test_an_address_that_another_entry_has(api, data, namespace, registered):
    registered("192.0.2.9", "details")
    with pytest.raises(MeshError, match=rf"is the address of WorkloadEntry {namespace}/details-192\.0\.2\.9, too"):
        api("workload_group", {**data, "entries": [{"name": "old", "address": "192.0.2.9"}]})


def test_networks_may_have_the_same_addresses(api, data, registered):
    registered("192.0.2.9", "details")
    entries = [{"name": name, "address": "192.0.2.9", "network": name} for name in ("dc1", "dc2")]
    api("workload_group", {**data, "entries": entries})
    assert not api("workload_group", {**data, "entries": entries}).changed


def test_a_group_goes_after_its_hosts(api, data, registered):
    api("workload_group", data)
    registered("192.0.2.1")
    with pytest.raises(MeshError, match=r"1 hosts are still in it: 192\.0\.2\.1") as caught:
        api("workload_group", data, "absent")
    assert caught.value.code == "in_use"
    registered("192.0.2.1", gone=True)
    assert api("workload_group", data, "absent").changed


def test_what_is_told_of_hosts(api, data, namespace, registered):
    api("workload_group", {**data, "entries": [{"name": "old", "address": "192.0.2.9"}]})
    registered("192.0.2.1", healthy=True)
    registered("192.0.2.2", healthy=False, message="HTTP 500")
    registered("192.0.2.3", gone=True)
    found = api("workload_info", {"namespace": namespace}).result
    assert found["groups"] == [f"{namespace}/ratings"]
    told = {item["address"]: (item["group"], item["connected"], item["healthy"]) for item in found["workloads"]}
    assert told == {
        "192.0.2.1": ("ratings", True, True),
        "192.0.2.2": ("ratings", True, False),
        "192.0.2.3": ("ratings", False, None),
        "192.0.2.9": ("", False, None),
    }
    assert [item["since"] for item in found["workloads"] if item["address"] == "192.0.2.3"] == ["2026-11-22T07:00:00Z"]

    def awaited(expect, *addresses):
        asked = {"namespace": namespace, "expect": expect, "addresses": list(addresses), "wait_timeout": 1}
        return api("workload_info", asked)

    assert len(awaited("present", "192.0.2.1", "192.0.2.9").result["workloads"]) == 2
    awaited("absent", "192.0.2.77")
    registered("2001:db8::1", healthy=True)
    assert len(awaited("present", "2001:DB8:0::1").result["workloads"]) == 1
    lacking = {
        "192.0.2.2": "192.0.2.2 is unhealthy: HTTP 500",
        "192.0.2.3": "192.0.2.3 is not connected since 2026-11-22T07:00:00Z",
        "192.0.2.77": "192.0.2.77 has no WorkloadEntry",
    }
    for address, text in lacking.items():
        with pytest.raises(MeshError, match=f"1 of 2 hosts have not joined after 1 s: {text}") as caught:
            awaited("present", "192.0.2.1", address)
        assert caught.value.code == "not_ready"
    with pytest.raises(MeshError, match=r"192\.0\.2\.1 still has WorkloadEntry ratings-192\.0\.2\.1"):
        awaited("absent", "192.0.2.1")
