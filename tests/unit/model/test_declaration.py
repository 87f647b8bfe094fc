# SPDX-License-Identifier: Apache-2.0
"""mesh.yaml: who gets what, and where it is wrong."""

from __future__ import annotations

import pytest
from mesh.model.declaration import read
from mesh.model.errors import MeshError
from mesh.operations.registry import OPERATIONS

TWO = {
    "clusters": {
        "onprem": {"context": "a", "network": "onprem-net", "cluster_name": "here"},
        "cloud": {"context": "b", "gateway": [{"name": "own", "version": "1.31.0"}], "platform": "eks"},
    },
    "gateway": [{"name": "ingress", "version": "1.31.0"}],
    "control_plane": [{"version": "1.31.0"}, {"version": "1.31.0", "revision": "canary", "network": "other"}],
}


def test_lists_are_for_all_and_own_ones_in_their_place():
    onprem, cloud = read(TWO, OPERATIONS)
    assert [(item.operation, item.place) for item in onprem.items] == [
        ("control_plane", "control_plane[0]"),
        ("control_plane", "control_plane[1]"),
        ("gateway", "gateway[0]"),
    ]
    assert [options["name"] for options in onprem.of("gateway")] == ["ingress"]
    assert [options["name"] for options in cloud.of("gateway")] == ["own"]
    assert (onprem.connection.context, cloud.connection.context) == ("a", "b")


def test_what_a_cluster_says_of_itself_is_said_to_its_control_planes():
    onprem, cloud = read(TWO, OPERATIONS)
    assert [options.get("network") for options in onprem.of("control_plane")] == ["onprem-net", "other"]
    assert {options.get("cluster_name") for options in onprem.of("control_plane")} == {"here"}
    assert [options.get("platform") for options in cloud.of("control_plane")] == ["eks", "eks"]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([], "mesh"),
        ({}, "clusters"),
        ({"clusters": {}}, "clusters"),
        ({"clusters": {"a": "context"}}, "clusters.a"),
        ({"clusters": {"a": {"contxt": "x"}}}, "clusters.a.contxt"),
        ({"clusters": {False: None}}, "clusters.False"),
        ({"clusters": {1.1: None}}, "clusters.1.1"),
        ({"clusters": {None: None}}, "clusters.None"),
        ({"clusters": {"a": {"context": False}}}, "clusters.a.context"),
        ({"clusters": {"a": {"network": 1}}}, "clusters.a.network"),
        ({"clusters": {"a": None}, "gateways": []}, "gateways"),
        ({"clusters": {"a": None}, "gateway": "ingress"}, "gateway"),
        ({"clusters": {"a": None}, "gateway": ["ingress"]}, "gateway[0]"),
        ({"clusters": {"a": None}, "gateway": [{"name": "x", "repicas": 1}]}, "gateway[0].repicas"),
        ({"clusters": {"a": {"injection": [{}]}}}, "clusters.a.injection[0].namespaces"),
        (
            {"clusters": {"a": None}, "injection": [{"namespaces": ["a"], "wait_timeout": 0}]},
            "injection[0].wait_timeout",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_place(data, where):
    with pytest.raises(MeshError) as caught:
        read(data, OPERATIONS)
    assert (caught.value.code, caught.value.where) == ("invalid_option", where)
