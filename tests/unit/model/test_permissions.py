# SPDX-License-Identifier: Apache-2.0
"""Rules allow exactly what was put into them, whichever way they are grouped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from mesh.model.permissions import Needs, Permission, as_rules, of_rules

VERBS, GROUPS = st.sampled_from(["get", "list", "patch", "*"]), st.sampled_from(["", "apps", "*"])
RESOURCES, NAMES = st.sampled_from(["pods", "pods/log", "services", "*"]), st.sampled_from(["", "a", "b", "c"])
PERMISSIONS = st.sets(st.builds(Permission, VERBS, GROUPS, RESOURCES, st.just("ns"), NAMES))


def said(item, permissions):
    return item.name and item._replace(name="") in permissions


@given(PERMISSIONS)
def test_rules_say_the_same_and_nothing_twice(permissions):
    expected = {item for item in permissions if not said(item, permissions)}
    assert of_rules(as_rules(permissions), "ns") == expected


@given(PERMISSIONS)
def test_the_order_is_stable(permissions):
    assert as_rules(sorted(permissions)) == as_rules(sorted(permissions, reverse=True))


def test_what_is_alike_is_one_rule():
    permissions = of_rules(
        [
            {"apiGroups": [""], "resources": ["services"], "resourceNames": ["a"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["a"], "verbs": ["get"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
        ]
    )
    assert as_rules(permissions) == [
        {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["configmaps", "services"], "resourceNames": ["a"], "verbs": ["get"]},
    ]


def test_a_permission_is_said_in_the_words_of_kubectl():
    assert str(Permission("get", "apps", "deployments", "shop", "web")) == "get deployments.apps web in shop"
    assert str(Permission("list", "", "nodes")) == "list nodes"


def test_an_aggregated_role_cannot_be_made_by_having_its_rules():
    needs = Needs()
    needs.note_grant({"aggregationRule": {"x": []}, "rules": []}, "clusterroles", "", "sum")
    assert list(needs.roles.values()) == [None]
