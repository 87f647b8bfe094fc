# SPDX-License-Identifier: Apache-2.0
"""Labels on namespaces of others."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError

from .conftest import config_map
from .injectors import injector, installed


def labels(cluster, name):
    found = cluster.get("v1", "Namespace", "", name)["metadata"].get("labels", {})
    return {key: value for key, value in found.items() if key != "kubernetes.io/metadata.name"}


@pytest.fixture
def injectors(cluster):
    """A default revision, another one, and a tag on it."""
    default = injector("test-default", {"istio.io/rev": "default"}, default=True)
    canary = injector("test-canary", {"istio.io/rev": "canary"})
    prod = injector("test-prod", {"istio.io/rev": "canary", "istio.io/tag": "prod"})
    with installed(cluster, default, canary, prod):
        yield


@pytest.mark.parametrize(
    ("revision", "label", "resolved"),
    [
        ("default", {"istio-injection": "enabled"}, "default"),
        ("canary", {"istio.io/rev": "canary"}, "canary"),
        ("prod", {"istio.io/rev": "prod"}, "canary"),
    ],
)
def test_sidecars_by_revision_and_by_tag(api, cluster, namespace, injectors, revision, label, resolved):
    wanted = {"namespaces": [namespace], "revision": revision}
    report = api("injection", wanted)
    assert labels(cluster, namespace) == label
    assert report.result == {"revision": resolved, "stale": []}
    assert not api("injection", wanted).changed
    assert api.writes == []
    api("injection", wanted, "absent")
    assert labels(cluster, namespace) == {}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("ambient", {"istio.io/dataplane-mode": "ambient"}), ("none", {"istio-injection": "disabled"})],
)
def test_modes(api, cluster, namespace, mode, expected):
    api("injection", {"namespaces": [namespace], "mode": mode})
    assert labels(cluster, namespace) == expected
    assert not api("injection", {"namespaces": [namespace], "mode": mode}).changed
    assert api.writes == []
    api("injection", {"namespaces": [namespace]}, "absent")
    assert labels(cluster, namespace) == {}


def test_a_change_of_mode_leaves_one_label(api, cluster, namespace):
    api("injection", {"namespaces": [namespace], "mode": "none"})
    api("injection", {"namespaces": [namespace], "mode": "ambient"})
    assert labels(cluster, namespace) == {"istio.io/dataplane-mode": "ambient"}


def test_a_label_of_somebody_else_that_contradicts_is_named(api, cluster, namespace):
    theirs = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace, "labels": {"istio-injection": "enabled", "team": "shop"}},
    }
    cluster.apply(theirs, "kubectl")
    with pytest.raises(MeshError) as caught:
        api("injection", {"namespaces": [namespace], "mode": "ambient"})
    assert str(caught.value) == (
        f"api: Namespace {namespace}: has label istio-injection=enabled, which contradicts mode ambient "
        f"(set adopt to have it removed, or kubectl label namespace {namespace} istio-injection-)"
    )
    assert api.writes == []
    told = api("injection", {"namespaces": [namespace], "mode": "ambient"}, check=True, adopt=True)
    done = api("injection", {"namespaces": [namespace], "mode": "ambient"}, adopt=True)
    for report in (told, done):
        paths = [field.path for change in report.objects for field in change.fields]
        assert sorted(paths) == ["metadata.labels.istio-injection", 'metadata.labels["istio.io/dataplane-mode"]']
    assert labels(cluster, namespace) == {"istio.io/dataplane-mode": "ambient", "team": "shop"}
    assert not api("injection", {"namespaces": [namespace], "mode": "ambient"}).changed
    assert api.writes == []


def test_a_revision_that_is_not_there_is_refused_but_planned(api, namespace):
    with pytest.raises(MeshError) as caught:
        api("injection", {"namespaces": [namespace], "revision": "nowhere"})
    assert caught.value.code == "missing_dependency"
    assert api.writes == []
    told = api("injection", {"namespaces": [namespace], "revision": "nowhere"}, check=True)
    assert told.changed
    assert told.warnings == [str(caught.value).removeprefix("api: ")]


def test_two_sets_on_one_namespace_do_not_harm_each_other(api, cluster, namespace):
    shared = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"team": "shop"}}}
    declared = {"name": namespace, "namespace": namespace, "objects": [shared, config_map("one", a="1")]}
    api("config_set", declared)
    api("injection", {"namespaces": [namespace], "mode": "ambient"})
    assert labels(cluster, namespace) == {"team": "shop", "istio.io/dataplane-mode": "ambient"}
    api("config_set", declared, "absent")
    assert labels(cluster, namespace) == {"istio.io/dataplane-mode": "ambient"}


def test_an_empty_namespace_that_injection_made_goes(api, cluster, namespace):
    made = f"{namespace}-made"
    wanted = {"namespaces": [made], "mode": "ambient"}
    api("injection", wanted)
    assert not api("injection", wanted).changed
    assert api.writes == []
    api("injection", wanted, "absent")
    assert cluster.get("v1", "Namespace", "", made) is None
    assert not api("injection", wanted, "absent").changed
    assert api.writes == []


def test_a_namespace_that_was_there_stays(api, cluster, namespace):
    api("injection", {"namespaces": [namespace], "mode": "ambient"})
    api("injection", {"namespaces": [namespace]}, "absent")
    assert "deletionTimestamp" not in cluster.get("v1", "Namespace", "", namespace)["metadata"]


def test_a_namespace_that_injection_made_goes_only_when_empty(api, cluster, namespace):
    made = f"{namespace}-made"
    api("injection", {"namespaces": [made], "mode": "ambient"})
    cluster.apply({**config_map("x", a="1"), "metadata": {"name": "x", "namespace": made}}, "them")
    report = api("injection", {"namespaces": [made]}, "absent")
    assert report.warnings == [f"Namespace {made} is kept: it holds 1 ConfigMap; purge removes them"]
    assert labels(cluster, made) == {}
    cluster.transport.raw("DELETE", f"/api/v1/namespaces/{made}")
