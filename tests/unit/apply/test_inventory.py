# SPDX-License-Identifier: Apache-2.0
"""The inventory of a set survives its own reading and writing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from mesh.apply import inventory
from mesh.apply.inventory import Hints, hints_of
from mesh.kube.cluster import Cluster
from mesh.model.errors import MeshError
from mesh.model.objects import GroupKind, ObjectSet, Ref
from mesh.model.sets import applyset_id

SET = ObjectSet("config-shop", "shop", "meshops/config_set/shop", version="1.31.0")


class Shelf:
    """What the inventory needs of a cluster: a place for one object."""

    def __init__(self, live=None):
        self.live, self.manager, self.force = live, "", False
        self.transport = SimpleNamespace(server_time=1_800_000_000.0)

    def get(self, _api_version, _kind, namespace, name):
        metadata = (self.live or {}).get("metadata", {})
        return self.live if (metadata.get("namespace"), metadata.get("name")) == (namespace, name) else None

    def apply(self, obj, manager, *, force):
        self.live, self.manager, self.force = obj, manager, force
        return obj


def written(hints, item=SET):
    shelf = Shelf()
    inventory.write(cast(Cluster, shelf), item, hints)
    return shelf


def read(live, item=SET):
    return inventory.read(cast(Cluster, Shelf(live)), item)


@pytest.mark.parametrize(
    "hints",
    [
        Hints(),
        Hints(frozenset({GroupKind("", "ConfigMap")})),
        Hints(fields=frozenset({Ref("", "Namespace", "", "shop"), Ref("g.io", "Thing", "a", "b")})),
        Hints(
            frozenset({GroupKind("apps", "Deployment"), GroupKind("networking.istio.io", "Gateway")}),
            frozenset({"a", "b"}),
        ),
    ],
)
def test_what_is_written_is_read(hints):
    parent = read(written(hints).live)
    assert parent.hints == hints
    assert inventory.recorded(parent) == hints
    assert parent.ref == Ref("", "ConfigMap", "shop", "meshops-config-shop")


def test_the_parent_is_one_that_kubectl_understands():
    hints = Hints(frozenset({GroupKind("apps", "Deployment"), GroupKind("", "ConfigMap")}), frozenset({"b", "a"}))
    shelf = written(hints)
    live: Any = shelf.live
    assert (shelf.manager, shelf.force) == (SET.manager, True)
    assert live["metadata"]["labels"]["applyset.kubernetes.io/id"] == applyset_id("config-shop", "shop")
    marks = live["metadata"]["annotations"]
    assert marks["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,Deployment.apps"
    assert marks["applyset.kubernetes.io/additional-namespaces"] == "a,b"
    assert marks["applyset.kubernetes.io/tooling"] == "meshops.mesh/v1.0.0"
    assert "data" not in live


@pytest.mark.parametrize("version", ["", "1.30.0"])
def test_another_version_is_written_again(version):
    live = written(Hints(), ObjectSet(SET.id, SET.namespace, SET.manager, version=version)).live
    assert read(live).live == live
    assert inventory.recorded(read(live)) is None


def test_a_set_that_was_never_applied():
    parent = read(None)
    assert (parent.live, parent.hints, inventory.recorded(parent)) == (None, Hints(), None)


def test_a_config_map_of_others_with_that_name_is_none_of_ours():
    with pytest.raises(MeshError, match="is no inventory") as caught:
        read({"metadata": {"name": "meshops-config-shop", "namespace": "shop"}})
    assert (caught.value.code, caught.value.where) == ("foreign_owner", "ConfigMap shop/meshops-config-shop")


def test_an_inventory_that_was_copied_is_refused():
    live: Any = written(Hints()).live
    live["metadata"]["labels"]["applyset.kubernetes.io/id"] = applyset_id("config-other", "shop")
    with pytest.raises(MeshError, match="inventory of another set, or was edited"):
        read(live)


@pytest.mark.parametrize(
    ("refs", "kinds", "namespaces"),
    [
        ([], set(), set()),
        ([Ref("", "ConfigMap", "shop", "a")], {("", "ConfigMap")}, set()),
        ([Ref("", "ConfigMap", "other", "a"), Ref("", "ConfigMap", "shop", "a")], {("", "ConfigMap")}, {"other"}),
        (
            [Ref("rbac.authorization.k8s.io", "ClusterRole", "", "a")],
            {("rbac.authorization.k8s.io", "ClusterRole")},
            set(),
        ),
    ],
)
def test_hints(refs, kinds, namespaces):
    assert hints_of(iter(refs), "shop") == Hints(frozenset(GroupKind(*kind) for kind in kinds), frozenset(namespaces))


def test_hints_grow():
    a, b = GroupKind("", "A"), GroupKind("", "B")
    joined = Hints(frozenset({a}), frozenset({"x"})) | Hints(frozenset({b}), frozenset({"y"}))
    assert joined == Hints(frozenset({a, b}), frozenset({"x", "y"}))
