# SPDX-License-Identifier: Apache-2.0
"""What is ours, what is not, and what becomes of the inventory when somebody lays hands on it."""

from __future__ import annotations

import secrets

import pytest
from mesh.kube.cluster import Cluster
from mesh.model.errors import MeshError
from mesh.model.objects import Ref
from mesh.model.sets import applyset_id
from mesh.plan.compare import owned_fields

from .conftest import config_map

PART_OF = "applyset.kubernetes.io/part-of"


def declared(namespace, *objects, name=""):
    return {"name": name or namespace, "namespace": namespace, "objects": list(objects)}


def found(cluster, namespace, name):
    return cluster.get("v1", "ConfigMap", namespace, name)


def parent(cluster, namespace, name=""):
    return found(cluster, namespace, f"meshops-config-{name or namespace}")


def labelled(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def labels(cluster, namespace):
    found_ = cluster.get("v1", "Namespace", "", namespace)["metadata"].get("labels", {})
    return {key: value for key, value in found_.items() if key != "kubernetes.io/metadata.name"}


@pytest.fixture
def other(cluster: Cluster):
    """Another namespace of somebody else."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.post("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.transport.raw("DELETE", f"/api/v1/namespaces/{name}")


def test_two_sets_label_one_namespace_and_one_leaves(api, cluster, namespace, other):
    api("config_set", declared(namespace, labelled(other, a="1", both="x"), name="one"))
    api("config_set", declared(namespace, labelled(other, b="2", both="x"), name="two"))
    assert labels(cluster, other) == {"a": "1", "b": "2", "both": "x"}
    api("config_set", declared(namespace, name="one"), "absent")
    assert labels(cluster, other) == {"b": "2", "both": "x"}
    assert not api("config_set", declared(namespace, labelled(other, b="2", both="x"), name="two")).changed


def test_sets_of_one_name_in_two_namespaces_do_not_disturb_each_other(api, cluster, namespace, other):
    third = labelled(other, first="1")
    api("config_set", declared(namespace, third, name="same"))
    api("config_set", declared(other, labelled(other, second="2"), name="same"))
    assert labels(cluster, other) == {"first": "1", "second": "2"}
    assert not api("config_set", declared(namespace, third, name="same")).changed


def test_fields_on_an_object_of_others_go_when_it_leaves_the_declaration(api, cluster, namespace, other):
    api("config_set", declared(namespace, config_map("one", a="1"), labelled(other, mine="1")))
    told = api("config_set", declared(namespace, config_map("one", a="1")), check=True)
    done = api("config_set", declared(namespace, config_map("one", a="1")))
    assert [change.as_dict() for change in told.objects] == [change.as_dict() for change in done.objects]
    assert [(c.ref, c.action) for c in done.objects if c.action != "unchanged"] == [
        (Ref("", "Namespace", "", other), "release")
    ]
    assert labels(cluster, other) == {}
    assert not api("config_set", declared(namespace, config_map("one", a="1"))).changed
    assert api.writes == []


def test_fields_go_also_when_the_set_goes_without_naming_them(api, cluster, namespace, other):
    api("config_set", declared(namespace, labelled(other, mine="1")))
    api("config_set", declared(namespace), "absent")
    assert labels(cluster, other) == {}
    assert (
        owned_fields(cluster.get("v1", "Namespace", "", other), f"meshops/config_set/{namespace}/{namespace}") is None
    )
    assert parent(cluster, namespace) is None


def test_a_namespace_that_the_set_made_goes_when_it_leaves_the_declaration(api, cluster, namespace):
    made = f"{namespace}-made"
    api("config_set", declared(namespace, config_map("one", a="1"), labelled(made, a="1")))
    api("config_set", declared(namespace, config_map("one", a="1")))
    left = cluster.get("v1", "Namespace", "", made)
    assert left is None or left["metadata"]["deletionTimestamp"]


def test_a_namespace_that_the_set_made_stays_while_others_live_in_it(api, cluster, namespace):
    made = f"{namespace}-made"
    api("config_set", declared(namespace, config_map("one", a="1"), labelled(made, a="1")))
    cluster.apply({**config_map("theirs", a="1"), "metadata": {"name": "theirs", "namespace": made}}, "them")
    api("config_set", declared(namespace, config_map("one", a="1")))
    assert labels(cluster, made) == {}
    cluster.delete(Ref("", "Namespace", "", made))


def test_the_inventory_is_lost(api, cluster, namespace):
    """What left the declaration while the inventory was away is found by its label and pruned."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    api("config_set", declared(namespace, config_map("one", a="1"), secret))
    cluster.delete(Ref("", "ConfigMap", namespace, f"meshops-config-{namespace}"))
    report = api("config_set", declared(namespace, config_map("one", a="1")))
    assert any("lost its inventory" in text for text in report.warnings)
    assert cluster.get("v1", "Secret", namespace, "s") is None
    assert found(cluster, namespace, "one")
    assert parent(cluster, namespace)
    assert not api("config_set", declared(namespace, config_map("one", a="1"))).changed


def test_the_inventory_is_lost_before_the_set_is_removed(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("one", a="1")))
    cluster.delete(Ref("", "ConfigMap", namespace, f"meshops-config-{namespace}"))
    api("config_set", declared(namespace), "absent")
    assert found(cluster, namespace, "one") is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"labels": {"applyset.kubernetes.io/id": applyset_id("config-other", "elsewhere")}}, "another set"),
        ({"labels": {"applyset.kubernetes.io/id": None}}, "is no inventory"),
        ({"annotations": {"applyset.kubernetes.io/tooling": "kubectl/v1.30.0"}}, "another set"),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent", "released"])
def test_an_inventory_that_was_edited_or_copied_is_refused(api, cluster, namespace, change, complaint, state):
    wanted = declared(namespace, config_map("one", a="1"))
    api("config_set", wanted)
    cluster.merge_patch(Ref("", "ConfigMap", namespace, f"meshops-config-{namespace}"), {"metadata": change})
    with pytest.raises(MeshError, match=complaint) as caught:
        api("config_set", wanted, state)
    assert caught.value.code == "foreign_owner"
    assert api.writes == []


def test_hints_that_were_emptied_cost_nothing_that_is_still_declared(api, cluster, namespace):
    wanted = declared(namespace, config_map("one", a="1"))
    api("config_set", wanted)
    kinds = {"applyset.kubernetes.io/contains-group-kinds": ""}
    cluster.merge_patch(
        Ref("", "ConfigMap", namespace, f"meshops-config-{namespace}"), {"metadata": {"annotations": kinds}}
    )
    assert not api("config_set", wanted).changed
    assert parent(cluster, namespace)["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == (
        "ConfigMap"
    )


def test_what_others_labelled_as_ours_is_neither_pruned_nor_removed(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("one", a="1")))
    marks = {PART_OF: applyset_id(f"config-{namespace}", namespace)}
    theirs = {"name": "theirs", "namespace": namespace, "labels": marks}
    cluster.apply({**config_map("theirs", a="1"), "metadata": theirs}, "them")
    report = api("config_set", declared(namespace, config_map("one", a="1")))
    assert [(c.ref.name, c.action) for c in report.objects] == [("one", "unchanged"), ("theirs", "keep")]
    api("config_set", declared(namespace), "absent")
    assert found(cluster, namespace, "theirs")


def test_what_a_controller_owns_is_never_a_member(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("one", a="1")))
    owner = found(cluster, namespace, "one")["metadata"]
    marks = {PART_OF: applyset_id(f"config-{namespace}", namespace)}
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "one", "uid": owner["uid"]}
    owned = {"name": "owned", "namespace": namespace, "labels": marks, "ownerReferences": [reference]}
    cluster.apply({**config_map("owned", a="1"), "metadata": owned}, "controller")
    assert not api("config_set", declared(namespace, config_map("one", a="1"))).changed
