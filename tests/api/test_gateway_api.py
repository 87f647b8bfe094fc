# SPDX-License-Identifier: Apache-2.0
"""The definitions of the Gateway API, gateways and waypoints on a real API server, where no istiod runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mesh.model.errors import MeshError

from .injectors import injector, installed

GROUP = "gateway.networking.k8s.io"


@pytest.fixture
def source(lab):
    return str(Path(lab.gateway_api) / "standard-install.yaml")


@pytest.fixture
def definitions(api, cluster, source):
    """Installed for the length of a test."""
    data = {"source": source}
    api("gateway_api", data, wait=True)
    cluster.forget_kinds()
    yield data
    api("gateway_api", data, "absent", purge=True, wait=True)


def definition(cluster, plural):
    return cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"{plural}.{GROUP}")


def gateway_class(name, controller):
    spec = {"controllerName": controller}
    return {"apiVersion": f"{GROUP}/v1", "kind": "GatewayClass", "metadata": {"name": name}, "spec": spec}


def test_installed_kept_and_taken_away(api, cluster, source):
    data = {"source": source, "version": "1.6.0"}
    told = api("gateway_api", data, check=True)
    assert (told.changed, api.writes) == (True, [])
    report = api("gateway_api", data, wait=True)
    assert [change.ref for change in report.objects] == [change.ref for change in told.objects]
    assert report.result["version"] == "1.6.0"
    assert not api("gateway_api", {**data, "checksum": report.result["checksum"]}).changed
    assert api.writes == []
    assert definition(cluster, "httproutes")["metadata"]["annotations"][f"{GROUP}/channel"] == "standard"
    assert api("gateway_api", {}, "absent", wait=True).changed
    assert definition(cluster, "httproutes") is None
    assert not api("gateway_api", {}, "absent").changed


def test_definitions_of_which_somebody_has_objects_stay(api, cluster, definitions, namespace):
    route = {"apiVersion": f"{GROUP}/v1", "kind": "HTTPRoute", "metadata": {"name": "r", "namespace": namespace}}
    cluster.apply({**route, "spec": {}}, "them")
    cluster.apply(gateway_class("istio", "istio.io/gateway-controller"), "istiod")
    report = api("gateway_api", definitions, "absent", wait=True)
    kept = "it holds 1 HTTPRoute; purge removes them"
    assert report.warnings == [f"CustomResourceDefinition httproutes.{GROUP} is kept: {kept}"]
    assert definition(cluster, "gatewayclasses") is None, "the class was istiod's"
    assert definition(cluster, "httproutes") is not None


def test_a_class_of_another_controller_keeps_its_definition(api, cluster, definitions):
    cluster.apply(gateway_class("other", "example.com/controller"), "them")
    api("gateway_api", definitions, "absent", wait=True)
    assert definition(cluster, "gatewayclasses") is not None


@pytest.mark.parametrize(
    ("wrong", "code", "text"),
    [
        ({"version": "1.5.0"}, "invalid_option", f"says {GROUP}/bundle-version: v1.6.0, not v1.5.0"),
        ({"channel": "experimental"}, "invalid_option", f"says {GROUP}/channel: standard, not experimental"),
        ({"checksum": "0" * 64}, "bundle_checksum", "has SHA-256 "),
        ({"source": "/nowhere.yaml"}, "bundle_unavailable", "No such file or directory"),
        ({"source": None}, "invalid_option", "is required"),
    ],
)
def test_what_is_not_what_was_asked_for(api, source, wrong, code, text):
    with pytest.raises(MeshError) as caught:
        api("gateway_api", {"source": source, **wrong})
    assert caught.value.code == code
    assert text in caught.value.msg
    assert api.writes == []


def test_a_bundle_without_definitions(api, tmp_path):
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    with pytest.raises(MeshError, match="holds no definition of the Gateway API"):
        api("gateway_api", {"source": str(tmp_path)})


@pytest.fixture
def default(cluster):
    with installed(cluster, injector("test-default", {"istio.io/rev": "default"}, default=True)):
        yield


EDGE = {"name": "edge", "form": "gateway_api", "listeners": [{"name": "http", "port": 80}]}


def test_without_definitions_it_is_planned_and_not_done(api, namespace, default):
    data = {**EDGE, "namespace": namespace}
    told = api("gateway", data, check=True)
    missing = "Gateway API: its definitions are not installed (apply gateway_api first)"
    assert f"{missing}; a real run stops here, unless an earlier step changes that" in told.warnings
    with pytest.raises(MeshError) as caught:
        api("gateway", data)
    assert (caught.value.code, api.writes) == ("missing_dependency", [])


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"replicas": 2, "service_annotations": {"a": "b"}},
        {"min_replicas": 1, "max_replicas": 2, "labels": {"tier": "front"}},
        {"type": "eastwest", "network": "net", "listeners": []},
        {
            "listeners": [
                {"name": "s", "port": 443, "protocol": "HTTPS", "certificates": ["tls"], "hostname": "*.a.test"}
            ]
        },
    ],
)
def test_gateways_are_what_the_definitions_accept(api, cluster, definitions, default, namespace, declared):
    data = {**EDGE, "namespace": namespace, **declared}
    api("gateway", data)
    made = cluster.get(f"{GROUP}/v1", "Gateway", namespace, "edge")
    assert made["spec"]["gatewayClassName"] == ("istio-east-west" if declared.get("type") else "istio")
    assert not api("gateway", data).changed
    assert api.writes == []
    api("gateway", data, "absent")
    assert cluster.get(f"{GROUP}/v1", "Gateway", namespace, "edge") is None
    assert cluster.get("v1", "ConfigMap", namespace, "edge-options") is None


def test_another_form_of_the_same_gateway_leaves_nothing_of_the_first(
    api, lab, cluster, definitions, default, namespace
):
    api("gateway", {"name": "edge", "namespace": namespace, "charts": {"path": lab.charts}})
    assert cluster.get("apps/v1", "Deployment", namespace, "edge")
    api("gateway", {**EDGE, "namespace": namespace})
    assert cluster.get("apps/v1", "Deployment", namespace, "edge") is None
    assert cluster.get(f"{GROUP}/v1", "Gateway", namespace, "edge")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"listeners": []}, "listeners: is required by form gateway_api"),
        ({"ports": [{"name": "a", "port": 1}]}, "ports: is only for form chart (leave it out)"),
        (
            {"listeners": [{"name": "s", "port": 443, "protocol": "HTTPS"}]},
            "listeners[0].certificates: is required by protocol HTTPS",
        ),
        (
            {"listeners": [{"name": "s", "port": 443, "protocol": "TLS"}]},
            "listeners[0].certificates: is required by protocol TLS, or tls_mode Passthrough",
        ),
        ({"service_type": "None"}, "service_type: cannot be None with form gateway_api"),
        ({"min_replicas": 2}, "max_replicas: is required with min_replicas"),
        ({"type": "eastwest", "network": "n"}, "listeners: is not for type eastwest, which has its own"),
        ({"form": "chart"}, "listeners: is only for form gateway_api (leave it out)"),
    ],
)
def test_what_a_form_does_not_know_is_refused(api, definitions, default, namespace, wrong, text):
    with pytest.raises(MeshError) as caught:
        api("gateway", {**EDGE, "namespace": namespace, **wrong}, check=True)
    assert str(caught.value) == f"api: {text}"


def labels(cluster, name):
    found = cluster.get("v1", "Namespace", "", name)["metadata"].get("labels", {})
    return {key: value for key, value in found.items() if key.startswith("istio.io/")}


def test_a_waypoint_and_who_uses_it(api, cluster, definitions, namespace):
    user = f"{namespace}-user"
    data = {"namespace": namespace, "namespaces": [namespace, user], "ingress": True, "replicas": 1}
    report = api("waypoint", data)
    assert "GatewayClass istio-waypoint: is not there yet" in report.warnings[0]
    made = cluster.get(f"{GROUP}/v1", "Gateway", namespace, "waypoint")
    assert made["metadata"]["labels"]["istio.io/waypoint-for"] == "service"
    options = cluster.get("v1", "ConfigMap", namespace, "waypoint-options")
    assert json.loads(options["data"]["deployment"]) == {"spec": {"replicas": 1}}
    own = {"istio.io/use-waypoint": "waypoint", "istio.io/ingress-use-waypoint": "true"}
    assert labels(cluster, namespace) == own
    assert labels(cluster, user) == {**own, "istio.io/use-waypoint-namespace": namespace}
    assert not api("waypoint", data).changed
    assert api.writes == []
    api("waypoint", {**data, "namespaces": [namespace]}, wait=False)
    assert cluster.get("v1", "Namespace", "", user) is None, "the waypoint had made it, and it is empty"
    api("waypoint", data, "absent")
    assert labels(cluster, namespace) == {}
    assert cluster.get(f"{GROUP}/v1", "Gateway", namespace, "waypoint") is None


def test_what_was_warned_of_is_told_with_the_failure(api, definitions, namespace):
    with pytest.raises(MeshError) as caught:
        api("waypoint", {"namespace": namespace}, wait=True, wait_timeout=1)
    assert caught.value.code == "not_ready"
    assert "GatewayClass istio-waypoint: is not there yet" in caught.value.warnings[0]
    api("waypoint", {"namespace": namespace}, "absent")


def test_a_tag_or_revision_of_a_waypoint_must_be_there(api, definitions, namespace):
    with pytest.raises(MeshError) as caught:
        api("waypoint", {"namespace": namespace, "revision": "nowhere"})
    assert caught.value.code == "missing_dependency"
    assert caught.value.where.endswith("revision nowhere")
