# SPDX-License-Identifier: Apache-2.0
"""The Gateway API: its definitions, a gateway that istiod runs, a waypoint. On cluster cloud, by a revision of their
own that has ambient on."""

from __future__ import annotations

import http.client
import time

import pytest
from mesh.model.errors import MeshError

REVISION = "ambient"
GROUP = "gateway.networking.k8s.io"


@pytest.fixture(scope="module")
def definitions(core):
    """The standard channel; taken away at the end."""
    data = {"version": "1.6.0", "source": f"{core.lab.gateway_api}/standard-install.yaml"}
    report = core("cloud", "gateway_api", data)
    assert (report.changed, report.result["version"]) == (True, "1.6.0")
    yield {**data, "checksum": report.result["checksum"]}
    core("cloud", "gateway_api", data, "absent")


@pytest.fixture(scope="module")
def ambient(core, definitions):
    """A revision that runs waypoints; taken away at the end."""
    values = {"pilot": {"env": {"PILOT_ENABLE_AMBIENT": "true"}}}
    data = core.control_plane(revision=REVISION, values=values, cluster_name="cloud", network="cloud-net")
    core("cloud", "control_plane", data)
    yield data
    core("cloud", "control_plane", data, "absent")


@pytest.fixture(scope="module")
def edge(core, ambient):
    """A gateway that istiod runs; taken away at the end."""
    listener = {"name": "http", "port": 80, "hostname": "edge.test", "routes_from": "All"}
    data = {
        "name": "edge",
        "namespace": "edge",
        "form": "gateway_api",
        "revision": REVISION,
        "listeners": [listener],
        "replicas": 1,
        "service_annotations": {"example.com/pool": "public"},
        "image_pull_policy": "IfNotPresent",
    }
    told = core("cloud", "gateway", data, check=True)
    assert told.changed
    report = core("cloud", "gateway", data)
    assert {change.ref.kind for change in report.objects} >= {"Gateway", "ConfigMap", "Namespace"}
    yield data, report
    core("cloud", "gateway", data, "absent")


def test_the_definitions_are_as_asked_for(core, definitions):
    assert not core("cloud", "gateway_api", definitions).changed
    with pytest.raises(MeshError) as caught:
        core("cloud", "gateway_api", {**definitions, "version": "1.5.0"})
    assert "says gateway.networking.k8s.io/bundle-version: v1.6.0, not v1.5.0" in str(caught.value)
    with pytest.raises(MeshError) as caught:
        core("cloud", "gateway_api", {**definitions, "checksum": "0" * 64})
    assert caught.value.code == "bundle_checksum"


def test_a_gateway_is_programmed_and_reached(core, clusters, edge):
    data, report = edge
    cluster = clusters["cloud"]
    assert (len(report.result["addresses"]), report.result["ports"]) == (1, {"http": 80})
    deployment = cluster.get("apps/v1", "Deployment", "edge", "edge-istio")
    assert (deployment["spec"]["replicas"], deployment["status"]["availableReplicas"]) == (1, 1)
    service = cluster.get("v1", "Service", "edge", "edge-istio")
    assert service["metadata"]["annotations"]["example.com/pool"] == "public"
    assert not core("cloud", "gateway", data).changed
    route = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "page"},
        "spec": {
            "parentRefs": [{"name": "edge", "namespace": "edge"}],
            "rules": [{"backendRefs": [{"name": "page", "port": 9080}]}],
        },
    }
    rules = {"name": "edge-routes", "namespace": "shop", "objects": [route]}
    core("cloud", "config_set", rules)
    assert _status(report.result["addresses"][0], "edge.test") == 200
    core("cloud", "config_set", rules, "absent")


def _status(address, host):
    """What a GET at the gateway is answered, once the route has come through."""
    status = None
    for _ in range(60):
        connection = http.client.HTTPConnection(address, 80, timeout=5)
        try:
            connection.request("GET", "/", headers={"Host": host})
            status = connection.getresponse().status
        except OSError:
            status = None
        finally:
            connection.close()
        if status == 200:
            break
        time.sleep(0.25)
    return status


def test_who_runs_gateways_is_not_removed(core, ambient, edge):
    with pytest.raises(MeshError) as caught:
        core("cloud", "control_plane", ambient, "absent")
    assert caught.value.code == "in_use"
    assert "edge/edge-istio-" in str(caught.value)


def test_a_gateway_is_among_those_of_the_mesh(core, edge):
    found = core("cloud", "mesh_info", {}).result
    gateways = [(item["namespace"], item["name"], item["ports"]) for item in found["gateways"]]
    assert ("edge", "edge", [15021, 80]) in gateways
    assert [item["revision"] for item in found["proxies"] if item["namespace"] == "edge"] == [REVISION]


def test_a_waypoint_serves_namespaces_and_leaves_them(core, clusters, ambient):
    cluster = clusters["cloud"]
    data = {"namespace": "edge-mesh", "namespaces": ["edge-mesh", "shop"], "revision": REVISION, "replicas": 1}
    # A waypoint's proxies need an extension that the lab's Envoy lacks, so nobody waits for them here.
    core("cloud", "waypoint", data, wait=False)
    made = _until(lambda: cluster.get("apps/v1", "Deployment", "edge-mesh", "waypoint"))
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["template"]["spec"]["containers"][0]["args"][:2] == ["proxy", "waypoint"]
    assert _used(cluster) == {"edge-mesh": ("waypoint", None), "shop": ("waypoint", "edge-mesh")}
    unchanged = core("cloud", "waypoint", data, wait=False)
    assert (unchanged.changed, unchanged.ready) == (False, True)
    core("cloud", "waypoint", {**data, "namespaces": ["edge-mesh"]}, wait=False)
    assert _used(cluster) == {"edge-mesh": ("waypoint", None)}
    core("cloud", "waypoint", data, "absent")
    assert _used(cluster) == {}
    assert cluster.get("gateway.networking.k8s.io/v1", "Gateway", "edge-mesh", "waypoint") is None


def _until(look):
    """What it finds, once it finds something."""
    for _ in range(100):
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError("nothing within 10 s")


def _used(cluster):
    """Namespace -> the waypoint that it uses, and that one's namespace."""
    labels = {obj["metadata"]["name"]: obj["metadata"].get("labels", {}) for obj in cluster.list("v1", "Namespace")}
    mark = "istio.io/use-waypoint"
    return {name: (found[mark], found.get(f"{mark}-namespace")) for name, found in labels.items() if mark in found}


def test_all_of_it_leaves_nothing(core, clusters, definitions):
    """The classes that istiod made go with the definitions."""
    told = core("cloud", "gateway_api", definitions, "absent", check=True)
    leaving = {(change.ref.kind, change.action) for change in told.objects if change.ref.kind == "GatewayClass"}
    assert leaving == {("GatewayClass", "delete")}
