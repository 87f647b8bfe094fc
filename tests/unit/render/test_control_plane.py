# SPDX-License-Identifier: Apache-2.0
"""Profiles, platforms and typed options as values of each chart."""

from __future__ import annotations

import typing

import pytest
from mesh.model.spec import parse
from mesh.model.specs import control_plane
from mesh.model.specs.control_plane import ControlPlaneSpec
from mesh.render.control_plane import proves_injection, proves_validation, releases, values_for, warnings

SYSTEM = "istio-system"


def rendered(**declared):
    return {item.chart: item for item in releases(parse(ControlPlaneSpec, declared))}


@pytest.mark.parametrize(
    ("profile", "charts", "known"),
    [
        ("default", ["base", "istiod"], None),
        ("minimal", ["base", "istiod"], None),
        ("demo", ["base", "istiod"], "demo"),
        ("preview", ["base", "istiod"], "preview"),
        ("remote", ["base", "istiod"], "remote"),
        ("stable", ["base", "istiod"], "stable"),
        ("ambient", ["base", "istiod", "cni", "ztunnel"], "ambient"),
    ],
)
def test_profiles(profile, charts, known):
    found = rendered(profile=profile)
    assert list(found) == charts
    assert {item.values["global"].get("profile") for item in found.values()} == {known}


@pytest.mark.parametrize(
    ("platform", "charts", "known", "node_namespace"),
    [
        ("none", ["base", "istiod"], None, None),
        ("eks", ["base", "istiod"], None, None),
        ("aks", ["base", "istiod"], None, None),
        ("openshift", ["base", "istiod", "cni"], "openshift", "kube-system"),
        *((name, ["base", "istiod"], name, None) for name in ("gke", "k3d", "k3s", "microk8s", "minikube")),
    ],
)
def test_platforms(platform, charts, known, node_namespace):
    found = rendered(platform=platform)
    assert list(found) == charts
    assert {item.values["global"].get("platform") for item in found.values()} == {known}
    assert (found["cni"].namespace if "cni" in found else None) == node_namespace


def test_every_profile_and_platform_renders():
    for profile in typing.get_args(control_plane.Profile):
        for platform in typing.get_args(control_plane.Platform):
            assert "istiod" in rendered(profile=profile, platform=platform)


@pytest.mark.parametrize(
    ("declared", "namespaces"),
    [
        ({"profile": "ambient"}, {"cni": SYSTEM, "ztunnel": SYSTEM}),
        ({"profile": "ambient", "namespace": "mesh"}, {"cni": "mesh", "ztunnel": "mesh"}),
        ({"profile": "ambient", "platform": "openshift"}, {"cni": "kube-system", "ztunnel": "kube-system"}),
    ],
)
def test_where_node_agents_run(declared, namespaces):
    found = rendered(**declared)
    assert {name: found[name].namespace for name in namespaces} == namespaces
    assert found["ztunnel"].values["istioNamespace"] == declared.get("namespace", SYSTEM)
    assert found["istiod"].values["pilot"]["trustedZtunnelNamespace"] == namespaces["ztunnel"]
    assert found["cni"].values["cni"] == {"ambient": {"enabled": True}}


def test_names_of_a_revision():
    found = rendered(revision="canary", profile="ambient")
    assert {item.chart: (item.set, item.name) for item in found.values()} == {
        "base": ("base", "istio-base"),
        "istiod": ("istiod-canary", "istiod-canary"),
        "cni": ("cni", "istio-cni"),
        "ztunnel": ("ztunnel", "ztunnel"),
    }
    assert found["istiod"].values["revision"] == found["ztunnel"].values["revision"] == "canary"
    assert found["base"].values["defaultRevision"] == ""


def test_the_default_revision_has_no_suffix():
    found = rendered()
    assert (found["istiod"].name, found["istiod"].set) == ("istiod", "istiod-default")
    assert "revision" not in found["istiod"].values
    assert found["base"].values["defaultRevision"] == "default"


def test_each_image_goes_to_its_chart():
    images = {"pilot": "p", "proxy": "x", "cni": "c", "ztunnel": "z"}
    spec = parse(ControlPlaneSpec, {"images": images, "profile": "ambient"})
    found = {chart: values_for(chart, spec).get("image") for chart in ("base", "istiod", "cni", "ztunnel")}
    assert found == {"base": None, "istiod": "p", "cni": "c", "ztunnel": "z"}
    assert values_for("istiod", spec)["global"]["proxy"] == {"image": "x"}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({}, []),
        ({"hub": "a"}, []),
        ({"hub": "a", "values": {"global": {"hub": "a"}}}, []),
        ({"values": {"global": {"hub": "b"}}}, []),
        ({"hub": "a", "values": {"global": {"hub": "b"}}}, ["global.hub"]),
        ({"profile": "demo", "values": {"global": {"profile": "ambient"}}}, ["global.profile"]),
        ({"revision": "canary", "values": {"revision": "other"}}, ["revision"]),
        (
            {"trust_domain": "a", "cni": True, "values": {"meshConfig": {"trustDomain": "b"}, "pilot": {"cni": 1}}},
            ["meshConfig.trustDomain", "pilot.cni"],
        ),
        ({"profile": "ambient", "values": {"cni": {"ambient": {"enabled": False}}}}, ["cni.ambient.enabled"]),
    ],
)
def test_values_that_overrule_typed_options_warn(declared, expected):
    spec = parse(ControlPlaneSpec, declared)
    assert warnings(spec) == [f"values.{path} overrules a typed option" for path in expected]


@pytest.mark.parametrize(
    ("declared", "injection", "validation"),
    [
        ({}, True, True),
        ({"profile": "remote"}, False, False),
        ({"values": {"global": {"operatorManageWebhooks": True}}}, False, True),
        ({"values": {"global": {"configValidation": False}}}, True, False),
        ({"values": {"global": None}}, True, True),
    ],
)
def test_what_can_be_proven(declared, injection, validation):
    spec = parse(ControlPlaneSpec, declared)
    assert (proves_injection(spec), proves_validation(spec)) == (injection, validation)
