# SPDX-License-Identifier: Apache-2.0
"""Kinds and their paths, from aggregated discovery and from definitions."""

from __future__ import annotations

import pytest
from mesh.kube.discovery import Kinds, Resource, discover, of_crds
from mesh.model.errors import MeshError

CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps", True)
NODE = Resource("", "v1", "Node", "nodes", False)
NEW = Resource("apps", "v1", "Deployment", "deployments", True)
OLD = Resource("apps", "v1beta1", "Deployment", "deployments", True)


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        (CONFIG_MAP, (), "/api/v1/configmaps"),
        (CONFIG_MAP, ("ns",), "/api/v1/namespaces/ns/configmaps"),
        (CONFIG_MAP, ("ns", "x"), "/api/v1/namespaces/ns/configmaps/x"),
        (NODE, ("ignored", "x"), "/api/v1/nodes/x"),
        (NEW, ("ns", "x", "scale"), "/apis/apps/v1/namespaces/ns/deployments/x/scale"),
    ],
)
def test_path(resource, arguments, path):
    assert resource.path(*arguments) == path


def test_the_first_version_is_the_preferred_one():
    kinds = Kinds([NEW, OLD, CONFIG_MAP])
    assert kinds.find("apps", "Deployment") is NEW
    assert kinds.find("apps", "Deployment", "v1beta1") is OLD
    assert kinds.find("apps", "Deployment", "v2") is None
    assert kinds.find("", "Deployment") is None
    assert list(kinds) == [NEW, CONFIG_MAP]
    assert kinds.api_versions == {
        "v1", "v1/ConfigMap", "apps/v1", "apps/v1/Deployment", "apps/v1beta1", "apps/v1beta1/Deployment"
    }  # fmt: skip


class Answers:
    """A transport that answers from a table."""

    def __init__(self, table):
        self.table = table

    def request(self, method, path, accept):
        assert (method, "APIGroupDiscoveryList" in accept) == ("GET", True)
        return self.table[path]


def listed(*groups):
    return {"kind": "APIGroupDiscoveryList", "items": list(groups)}


def test_discover():
    deployments = {
        "resource": "deployments",
        "responseKind": {"kind": "Deployment"},
        "scope": "Namespaced",
        "verbs": ["get", "list"],
    }
    broken = {"metadata": {"name": "stale.example.com"}, "versions": [{"version": "v1", "freshness": "Stale"}]}
    apps = {"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [deployments]}]}
    found = discover(Answers({"/api": listed(), "/apis": listed(apps, broken)}))
    assert list(found) == [Resource("apps", "v1", "Deployment", "deployments", True, frozenset({"get", "list"}))]


def test_a_server_without_aggregated_discovery_is_too_old():
    with pytest.raises(MeshError) as caught:
        discover(Answers({"/api": {"kind": "APIVersions"}}))
    assert (caught.value.code, caught.value.hint) == ("unsupported", "Kubernetes 1.30 or newer is needed")


def test_definitions_bring_kinds_of_served_versions():
    crd = {
        "kind": "CustomResourceDefinition",
        "spec": {
            "group": "example.com",
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Cluster",
            "versions": [{"name": "v2", "served": True}, {"name": "v1", "served": False}],
        },
    }
    assert list(of_crds([{"kind": "ConfigMap"}, crd])) == [Resource("example.com", "v2", "Widget", "widgets", False)]
