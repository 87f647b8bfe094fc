# SPDX-License-Identifier: Apache-2.0
"""Specs to values and objects: every typed field, profile and platform arrives where the charts read it."""

from __future__ import annotations

import tarfile
from typing import Any

import pytest
from mesh.model.errors import MeshError
from mesh.model.spec import parse
from mesh.model.specs.common import Charts
from mesh.model.specs.control_plane import ControlPlaneSpec
from mesh.model.specs.gateway import GatewaySpec
from mesh.model.specs.revision_tag import RevisionTagSpec
from mesh.render import charts, gateway, tags
from mesh.render.control_plane import releases, values_for, warnings
from mesh.render.helm import Helm, _reason
from mesh.render.manifests import Target, render
from mesh.render.manifests import parse as parse_manifests
from mesh.render.values import merged, nested, overridden


def test_values_merge_maps_and_replace_lists():
    below = {"a": {"b": 1, "c": [1]}, "d": 1}
    assert merged(below, {"a": {"c": [2]}, "d": {"e": 1}}) == {"a": {"b": 1, "c": [2]}, "d": {"e": 1}}
    assert below == {"a": {"b": 1, "c": [1]}, "d": 1}
    assert nested("a.b", False) == {"a": {"b": False}}
    unset: list[Any] = [None, [], {}]
    assert [nested("a.b", value) for value in unset] == [{}, {}, {}]
    assert list(overridden({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "c": 1}})) == ["a.b"]


def lookup(values, path):
    for key in path.split("."):
        values = values[key]
    return values


@pytest.mark.parametrize(
    ("declared", "chart", "path", "expected"),
    [
        ({"revision": "canary"}, "istiod", "revision", "canary"),
        ({"revision": "canary"}, "base", "defaultRevision", ""),
        ({}, "base", "defaultRevision", "default"),
        ({"profile": "demo"}, "istiod", "global.profile", "demo"),
        ({"profile": "ambient"}, "cni", "global.profile", "ambient"),
        ({"profile": "ambient"}, "istiod", "pilot.cni.enabled", True),
        ({"profile": "ambient", "platform": "openshift"}, "istiod", "pilot.trustedZtunnelNamespace", "kube-system"),
        ({"platform": "k3s"}, "cni", "global.platform", "k3s"),
        (
            {"platform": "aks"},
            "istiod",
            "pilot.sidecarInjectorWebhookAnnotations",
            {"admissions.enforcer/disabled": "true"},
        ),
        ({"hub": "example.com/istio"}, "istiod", "global.hub", "example.com/istio"),
        ({"hub": "example.com/istio"}, "ztunnel", "hub", "example.com/istio"),
        ({"tag": "1.31.0-distroless"}, "istiod", "global.tag", "1.31.0-distroless"),
        ({"images": {"pilot": "r/pilot@sha256:1"}}, "istiod", "image", "r/pilot@sha256:1"),
        ({"images": {"proxy": "r/proxy@sha256:1"}}, "istiod", "global.proxy.image", "r/proxy@sha256:1"),
        ({"image_pull_secrets": ["s"]}, "istiod", "global.imagePullSecrets", ["s"]),
        ({"trust_domain": "td"}, "istiod", "meshConfig.trustDomain", "td"),
        ({"trust_domain": "td", "mesh_config": {"trustDomain": "other"}}, "istiod", "meshConfig.trustDomain", "other"),
        ({"mesh_id": "m"}, "istiod", "global.meshID", "m"),
        ({"cluster_name": "c"}, "istiod", "global.multiCluster.clusterName", "c"),
        ({"network": "n"}, "istiod", "global.network", "n"),
        ({"ip_families": ["IPv6", "IPv4"]}, "istiod", "ipFamilies", ["IPv6", "IPv4"]),
        ({"values": {"global": {"hub": "mine"}}, "hub": "typed"}, "istiod", "global.hub", "mine"),
    ],
)
def test_control_plane_values(declared, chart, path, expected):
    assert lookup(values_for(chart, parse(ControlPlaneSpec, declared)), path) == expected


@pytest.mark.parametrize(
    ("declared", "sets"),
    [
        ({}, ["base", "istiod-default"]),
        ({"revision": "canary", "profile": "minimal"}, ["base", "istiod-canary"]),
        ({"cni": True}, ["base", "istiod-default", "cni"]),
        ({"platform": "openshift"}, ["base", "istiod-default", "cni"]),
        ({"platform": "openshift", "cni": False}, ["base", "istiod-default"]),
        ({"profile": "ambient"}, ["base", "istiod-default", "cni", "ztunnel"]),
    ],
)
def test_control_plane_releases(declared, sets):
    assert [item.set for item in releases(parse(ControlPlaneSpec, declared))] == sets


def test_a_value_that_overrules_a_typed_option_warns():
    spec = parse(ControlPlaneSpec, {"mesh_id": "a", "values": {"global": {"meshID": "b", "logAsJson": True}}})
    assert warnings(spec) == ["values.global.meshID overrules a typed option"]


def test_gateway_values():
    spec = parse(
        GatewaySpec,
        {
            "name": "east",
            "type": "eastwest",
            "network": "n",
            "replicas": 2,
            "ports": [{"name": "http", "port": 80, "target_port": 8080, "node_port": 30080}],
        },
    )
    assert gateway.values_for(spec) == {
        "name": "east",
        "labels": {"istio": "east"},
        "networkGateway": "n",
        "service": {"ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 30080}]},
        "autoscaling": {"enabled": False},
        "replicaCount": 2,
    }
    egress = gateway.values_for(parse(GatewaySpec, {"name": "out", "type": "egress"}))
    assert egress["service"] == {"type": "ClusterIP"}


@pytest.mark.parametrize(("tag", "webhooks", "kinds"), [("prod", 2, 2), ("default", 4, 3)])
def test_tags(tag, webhooks, kinds):
    objects = tags.objects(parse(RevisionTagSpec, {"tag": tag, "revision": "canary"}), None)
    assert len(objects) == kinds
    assert len(objects[0]["webhooks"]) == webhooks
    assert {w["clientConfig"]["service"]["name"] for w in objects[0]["webhooks"]} == {"istiod-canary"}
    assert objects[1]["spec"]["selector"] == {"app": "istiod", "istio.io/rev": "canary"}


def test_a_tag_calls_where_its_revision_is_called():
    injector = {"webhooks": [{"clientConfig": {"url": "https://mesh.example.com/inject/cluster/c"}}]}
    made = tags.objects(parse(RevisionTagSpec, {"tag": "default", "revision": "canary"}), injector)
    assert made[0]["webhooks"][0]["clientConfig"] == {"url": "https://mesh.example.com/inject/cluster/c"}
    assert made[2]["webhooks"][0]["clientConfig"] == {"url": "https://mesh.example.com/validate"}


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        (
            "Error: execution error at (base/templates/zzz_profile.yaml:30:3): unknown profile moon\n",
            "execution error at (base/templates/zzz_profile.yaml:30:3): unknown profile moon",
        ),
        ("WARNING: x\nError: a\n  b\n", "a b"),
        ("", "helm failed and said nothing"),
        ("only this\n", "only this"),
    ],
)
def test_what_helm_said(stderr, reason):
    assert _reason(stderr) == reason


def make_chart(root, name="thing"):
    (root / name / "templates").mkdir(parents=True)
    (root / name / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.2.3\n")
    (root / name / "templates" / "all.yaml").write_text("x: {{ .Capabilities.APIVersions.Has `v1` }}\n")
    return root / name


def test_charts_from_a_directory_and_an_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    make_chart(tmp_path)
    found = charts.get(Charts(path=str(tmp_path)), "thing", None, Helm("helm"))
    assert (found.version, found.asks_api_versions) == ("1.2.3", True)
    packed = tmp_path / "packed"
    packed.mkdir()
    with tarfile.open(packed / "thing-1.2.3.tgz", "w:gz") as archive:
        archive.add(tmp_path / "thing", "thing")
    for _ in range(2):
        assert charts.get(Charts(path=str(packed)), "thing", None, Helm("helm")).version == "1.2.3"
    with pytest.raises(MeshError) as caught:
        charts.get(Charts(path=str(packed), digests={"thing": "0" * 64}), "thing", None, Helm("helm"))
    assert caught.value.code == "chart_digest"
    with pytest.raises(MeshError) as caught:
        charts.get(Charts(path=str(tmp_path)), "other", None, Helm("helm"))
    assert caught.value.code == "chart_unavailable"


def test_istios_own_tree_has_other_names(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "istio-control").mkdir()
    make_chart(tmp_path / "istio-control", "istio-discovery")
    assert charts.get(Charts(path=str(tmp_path)), "istiod", None, Helm("helm")).version == "1.2.3"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("---\n---\n", []),
        ("apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n", ["a"]),
        ("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: a}}\n", ["a"]),
    ],
)
def test_manifests(text, names):
    assert [obj["metadata"]["name"] for obj in parse_manifests(text, "file")] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "file:2: not YAML: "),
        ("- 1", "file:1: is not an object"),
        ("kind: A", "file:1: has no apiVersion"),
        ("apiVersion: v1\nkind: A", "file:1: has no metadata.name"),
    ],
)
def test_malformed_manifests(text, message):
    with pytest.raises(MeshError) as caught:
        parse_manifests(text, "file")
    assert str(caught.value).startswith(message)


class Counting(Helm):
    """A renderer that says how often it was asked; the cache is what is tested."""

    calls = 0
    kind = "ConfigMap"

    @property
    def identity(self):
        return ("counting", 0, 0)

    def template(self, chart, release, namespace, values, kube_version, api_versions):
        Counting.calls += 1
        return f"apiVersion: v1\nkind: {self.kind}\nmetadata: {{name: x}}\n"


@pytest.mark.parametrize(("kind", "calls"), [("ConfigMap", 1), ("Secret", 2)])
def test_rendered_secrets_are_not_kept(tmp_path, monkeypatch, kind, calls):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(Counting, "calls", 0)
    monkeypatch.setattr(Counting, "kind", kind)
    chart = charts.Chart("c", tmp_path, "digest", "1.0.0", asks_api_versions=False)
    for _ in range(2):
        render(Counting("helm"), chart, "r", "ns", {"a": 1}, Target("1.36.0", frozenset({"v1"})))
    assert Counting.calls == calls
    assert (tmp_path / "meshops").stat().st_mode & 0o777 == 0o700
