# SPDX-License-Identifier: Apache-2.0
"""What the oracle of the fault campaign calls a difference."""

from __future__ import annotations

import pytest
from mesh.model.sets import applyset_id

from tests.faults.oracle import Snapshot, differences, normalised, outside_inventory

ID = applyset_id("config-x", "a")
ANNOTATIONS = {"applyset.kubernetes.io/contains-group-kinds": "ConfigMap,Role.rbac.authorization.k8s.io"}


def obj(kind="ConfigMap", name="one", namespace="a", api_version="v1", **metadata):
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, **metadata},
    }


def member(**rest):
    return obj(labels={"applyset.kubernetes.io/part-of": ID}, **rest)


def parent(**annotations):
    return obj(
        name="meshops-config-x",
        labels={"applyset.kubernetes.io/id": ID},
        annotations={**ANNOTATIONS, **annotations},
    )


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ([], ""),
        ([parent(), member()], ""),
        ([parent(), member(kind="Role", api_version="rbac.authorization.k8s.io/v1")], ""),
        ([member()], "whose inventory is not there"),
        ([parent()], "an inventory without members"),
        ([parent(), member(kind="Secret")], "not to be found by the hints"),
        ([parent(), member(namespace="b")], "not to be found by the hints"),
        ([parent(**{"applyset.kubernetes.io/additional-namespaces": "b"}), member(namespace="b")], ""),
        ([obj(kind="Lease", api_version="coordination.k8s.io/v1")], "a lock was left"),
    ],
)
def test_nothing_of_ours_is_outside_the_inventory(found, problem):
    problems = list(outside_inventory(found))
    assert len(problems) == bool(problem)
    assert all(problem in text for text in problems)


def entry(manager, fields, time):
    return {"manager": manager, "operation": "Apply", "fieldsV1": fields, "time": time}


def test_what_the_api_server_writes_is_no_difference():
    one = obj(uid="1", resourceVersion="1", generation=1, managedFields=[entry("meshops/x", {"f:data": {}}, "1")])
    two = obj(uid="2", resourceVersion="2", generation=7, managedFields=[entry("meshops/x", {"f:data": {}}, "2")])
    assert normalised(one) == normalised({**two, "status": {"phase": "Active"}})


def test_ownership_of_fields_is_a_difference():
    one = obj(managedFields=[entry("meshops/x", {"f:data": {}}, "1"), entry("them", {"f:spec": {}}, "1")])
    two = obj(managedFields=[entry("meshops/x", {"f:data": {}, "f:spec": {}}, "1")])
    wanted, found = Snapshot({"one": normalised(one)}), Snapshot({"one": normalised(two)})
    assert differences(wanted, found) == ["one: owned.meshops/x Apply.f:spec is {} instead of null"]


def test_differences_are_named():
    wanted = Snapshot({"kept": {"data": {"a": 1}}, "gone": {}})
    found = Snapshot({"kept": {"data": {"a": 2}}, "more": {}}, ("a lock was left",))
    assert differences(wanted, found) == [
        "gone: is missing",
        "kept: data.a is 2 instead of 1",
        "more: should not be there",
        "a lock was left",
    ]
