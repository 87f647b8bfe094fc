# SPDX-License-Identifier: Apache-2.0
"""Which objects of RBAC come of what runs need."""

from __future__ import annotations

from mesh.model.permissions import RBAC, Needs, Permission
from mesh.render.rbac import objects

SUBJECT = {"kind": "ServiceAccount", "name": "me", "namespace": "there"}


def found(needs, subject=None):
    return {
        (obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj
        for obj in objects(needs, "mesh", subject)
    }


def test_what_the_whole_cluster_allows_is_not_said_again():
    needs = Needs({Permission("list", "", "pods"), Permission("list", "", "pods", "shop")})
    assert set(found(needs)) == {("ClusterRole", "", "mesh")}


def test_namespaces_of_roles_and_those_that_are_labelled_are_given_but_for_those_of_every_cluster():
    needs = Needs(
        {
            Permission("get", "", "configmaps", "shop", "a"),
            Permission("get", "", "configmaps", "default", "a"),
            Permission("patch", "", "namespaces", "", "labelled"),
        }
    )
    kinds = [(obj["kind"], obj["metadata"]["name"]) for obj in objects(needs, "mesh", None)]
    assert kinds[:2] == [("Namespace", "labelled"), ("Namespace", "shop")]
    assert [name for kind, name in kinds if kind == "Namespace"] == ["labelled", "shop"]


def test_what_made_roles_give_stands_apart_and_bindings_name_the_subject():
    needs = Needs({Permission("get", "", "pods")})
    rules = [{"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get"]}]
    needs.note_grant({"rules": rules}, "clusterroles", "", "made")
    made = {"kind": "ClusterRole", "name": "made"}
    needs.note_grant({"roleRef": made}, "clusterrolebindings", "", "made")
    told = found(needs, SUBJECT)
    assert told["ClusterRole", "", "mesh-grants"]["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    ]
    assert told["ClusterRoleBinding", "", "mesh-grants"]["subjects"] == [SUBJECT]
    assert told["ClusterRole", "", "mesh"]["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]


def test_a_role_of_others_is_bound_by_name_and_an_aggregated_one_escalated_by_name():
    needs = Needs()
    needs.note_grant({"roleRef": {"kind": "ClusterRole", "name": "view"}}, "rolebindings", "shop", "view")
    needs.note_grant({"aggregationRule": {"x": []}, "rules": []}, "clusterroles", "", "sum")
    told = found(needs)
    named = {"apiGroups": [RBAC], "resources": ["clusterroles"]}
    assert told["Role", "shop", "mesh"]["rules"] == [{**named, "resourceNames": ["view"], "verbs": ["bind"]}]
    assert told["ClusterRole", "", "mesh"]["rules"] == [{**named, "resourceNames": ["sum"], "verbs": ["escalate"]}]
