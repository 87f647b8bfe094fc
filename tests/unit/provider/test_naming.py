# SPDX-License-Identifier: Apache-2.0
"""Two spellings of the same options."""

from __future__ import annotations

import pytest

from pulumi_mesh._core.model.specs.control_plane import ControlPlaneSpec
from pulumi_mesh._core.model.specs.gateway import GatewaySpec
from pulumi_mesh._core.model.specs.network_service import NetworkServiceMatch, NetworkServiceRoute
from pulumi_mesh.provider.naming import camel, constant, markdown, options, pascal, properties, property_path


def test_spellings():
    assert (camel("wait_timeout"), pascal("control_plane"), camel("tag")) == ("waitTimeout", "ControlPlane", "tag")


def test_structs_are_translated_and_free_objects_are_not():
    given = {
        "charts": {"plainHttp": True},
        "meshConfig": {"accessLogFile": "/dev/stdout"},
        "values": {"some_key": {"otherKey": 1}},
        "noSuchThing": 1,
    }
    assert options(given, ControlPlaneSpec) == {
        "charts": {"plain_http": True},
        "mesh_config": {"accessLogFile": "/dev/stdout"},
        "values": {"some_key": {"otherKey": 1}},
        "noSuchThing": 1,
    }
    ports = {"ports": [{"name": "https", "port": 443, "targetPort": 8443}]}
    assert options(ports, GatewaySpec) == {"ports": [{"name": "https", "port": 443, "target_port": 8443}]}


def test_options_as_properties():
    """Of structs, too; what nobody said stays unsaid."""
    matches = [NetworkServiceMatch(routes=[NetworkServiceRoute(destination_selector={"a_b": "c"})], fallthrough=True)]
    assert properties(matches) == [{"routes": [{"destinationSelector": {"a_b": "c"}}], "fallthrough": True}]
    assert properties({"some_key": 1}) == {"some_key": 1}


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ("charts.plain_http", "charts.plainHttp"),
        ("mesh_config", "meshConfig"),
        ("values.some_key", "values.some_key"),
        ("no_such", "no_such"),
    ],
)
def test_places_of_errors(where, path):
    assert property_path(where, ControlPlaneSpec) == path


def test_places_in_lists():
    assert property_path("ports[1].target_port", GatewaySpec) == "ports[1].targetPort"


def test_markup():
    assert markdown("O(wait_timeout) or V(none), C(helm ls)") == "`waitTimeout` or `none`, `helm ls`"
    assert markdown("O(charts.plain_http=true)") == "`charts.plainHttp=true`"


def test_constants_are_named_as_pulumi_names_them():
    """Taken from what `pulumi import` prints and what its Python generator makes of the schema."""
    words = {"keep": "KEEP", "IfNotPresent": "IF_NOT_PRESENT", "IPv4": "I_PV4", "ClusterIP": "CLUSTER_IP", "TCP": "TCP"}
    assert {word: constant(word) for word in words} == words
