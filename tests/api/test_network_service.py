# SPDX-License-Identifier: Apache-2.0
"""Network services on a real API server, which takes anything for one."""

from __future__ import annotations

import json

import pytest
from mesh.kube.cluster import connect
from mesh.model.errors import MeshError

from tests import network_services

CHAIN = {"chain": ["firewall", "vpn-gateway"]}
MATCHES = [
    {"source_selector": {"app": "firewall"}, "routes": [{"destination_selector": {"app": "vpn-gateway"}}]},
    {"routes": [{"destination_selector": {"app": "firewall"}}]},
]
API_VERSION = f"{network_services.GROUP}/v1"


@pytest.fixture(scope="module")
def kinds(api):
    cluster = connect(api.connection, "api")
    with network_services.kinds(cluster):
        yield
    cluster.close()


@pytest.fixture
def data(namespace):
    return {"name": f"net-{namespace}", "namespace": namespace}  # its name is one of the whole cluster


@pytest.fixture
def live(cluster, namespace):
    """The resource as it is."""
    cluster.forget_kinds()
    return lambda: cluster.get(API_VERSION, "NetworkService", namespace, f"net-{namespace}")


def actions(report):
    """What becomes of NetworkServices."""
    found = (change for change in report.objects if change.ref.kind == "NetworkService")
    return [change.action for change in found if change.action != "unchanged"]


def test_without_the_definitions_nothing_is_written(api, data):
    with pytest.raises(MeshError, match="the cluster has no definition of NetworkService") as caught:
        api("network_service", {**data, **CHAIN})
    assert (caught.value.code, api.writes) == ("missing_dependency", [])
    told = api("network_service", {**data, **CHAIN}, check=True)
    assert actions(told) == ["create"]
    assert any("install NSM first" in text for text in told.warnings)
    assert not api("network_service", data, "absent").changed


def test_declared_unchanged_changed_and_gone(api, kinds, data, live):
    told = api("network_service", {**data, **CHAIN}, check=True)
    assert api.writes == []
    report = api("network_service", {**data, **CHAIN})
    assert actions(report) == actions(told) == ["create"]
    assert report.result == told.result
    assert report.result["drawing"] == ["client -> app=firewall -> app=vpn-gateway"]
    assert live()["spec"] == {"payload": "IP", "matches": MATCHES}
    assert not api("network_service", {**data, **CHAIN}).changed
    assert api.writes == []
    longer = {**data, "payload": "ETHERNET", "chain": ["firewall", "filter", "vpn-gateway"]}
    told = api("network_service", longer, check=True)
    report = api("network_service", longer)
    assert actions(report) == actions(told) == ["update"]
    assert [change.fields for change in report.objects] == [change.fields for change in told.objects]
    assert live()["spec"]["payload"] == "ETHERNET"
    assert len(live()["spec"]["matches"]) == 3
    assert actions(api("network_service", data)) == ["update"]
    assert not live()["spec"].get("matches")
    assert not api("network_service", data).changed
    told = api("network_service", data, "absent", check=True)
    assert actions(api("network_service", data, "absent")) == actions(told) == ["delete"]
    assert live() is None
    assert not api("network_service", data, "absent").changed


def test_what_the_registry_keeps_is_left_alone(api, kinds, cluster, data, live):
    """An endpoint that registers its service writes it anew, without matches: that is drift; its path is the
    registry's."""
    api("network_service", {**data, **CHAIN})
    found = live()
    own = {"payload": "IP", "path_ids": ["spiffe://example.org/x"]}
    path = f"/apis/{API_VERSION}/namespaces/{data['namespace']}/networkservices/{data['name']}"
    cluster.transport.request(
        "PUT", path, body=json.dumps({**found, "spec": own}).encode(), content_type="application/json"
    )
    assert actions(api("network_service", {**data, **CHAIN}, check=True)) == ["update"]
    assert actions(api("network_service", {**data, **CHAIN})) == ["update"]
    assert live()["spec"] == {**own, "matches": MATCHES}
    assert not api("network_service", {**data, **CHAIN}).changed


def test_adoption(api, kinds, cluster, data, live):
    """One that somebody made by hand, with matches that nobody wants."""
    theirs = {"apiVersion": API_VERSION, "kind": "NetworkService", "metadata": data}
    cluster.forget_kinds()
    path = f"/apis/{API_VERSION}/namespaces/{data['namespace']}/networkservices"
    cluster.post(path, {**theirs, "spec": {"matches": [{"routes": []}]}})
    with pytest.raises(MeshError, match="set adopt to take it over") as caught:
        api("network_service", data)
    assert (caught.value.code, api.writes) == ("foreign_owner", [])
    assert actions(api("network_service", data, adopt=True)) == ["adopt"]
    assert live()["spec"] == {"payload": "IP", "matches": []}
    assert not api("network_service", data).changed


def test_released_and_found_again(api, kinds, data, live):
    api("network_service", {**data, **CHAIN})
    api("network_service", {**data, **CHAIN}, "released")
    assert live()["spec"]["matches"] == MATCHES
    assert "applyset.kubernetes.io/part-of" not in live()["metadata"].get("labels", {})
    with pytest.raises(MeshError, match="set adopt to take it over"):
        api("network_service", {**data, **CHAIN})
    api("network_service", {**data, **CHAIN}, adopt=True)
    assert not api("network_service", {**data, **CHAIN}).changed


def test_a_name_that_another_namespace_has(api, kinds, data):
    api("network_service", {**data, **CHAIN})
    other = f"{data['namespace']}-2"
    with pytest.raises(MeshError, match=f"is the name of NetworkService {data['namespace']}/{data['name']}, too"):
        api("network_service", {**data, "namespace": other, **CHAIN})
    assert api.writes == []


def test_a_namespace_comes_and_goes_with_it(api, kinds, cluster, data):
    data = {**data, "namespace": f"{data['namespace']}-new"}
    api("network_service", {**data, **CHAIN})
    assert cluster.get("v1", "Namespace", "", data["namespace"]) is not None
    api("network_service", data, "absent")
    assert cluster.get("v1", "Namespace", "", data["namespace"]) is None


def test_bad_input_writes_nothing(api, kinds, data):
    with pytest.raises(MeshError, match="a loop") as caught:
        api("network_service", {**data, "chain": ["a", "b", "a"]})
    assert (caught.value.code, api.writes) == ("invalid_option", [])


def test_roles_that_allow_it(api, kinds, data):
    found = api("rbac", {"declarations": [{"network_service": {**data, **CHAIN}}]}).result["objects"]
    rules = [
        (obj["kind"], rule)
        for obj in found
        for rule in obj.get("rules", ())
        if network_services.GROUP in rule["apiGroups"]
    ]
    everywhere = [rule["verbs"] for kind, rule in rules if kind == "ClusterRole"]
    assert everywhere == [["list"]]
    inside = {verb for kind, rule in rules if kind == "Role" for verb in rule["verbs"]}
    assert inside >= {"delete", "patch"}
