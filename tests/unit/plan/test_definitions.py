# SPDX-License-Identifier: Apache-2.0
"""Where the schema of a kind is found: in a definition, and in what API servers publish."""

from __future__ import annotations

import pytest
from mesh.plan.definitions import Definition, declared, published

SCHEMA = {"type": "object", "properties": {"spec": {"type": "object"}}}


def definition(*versions, **spec):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Thing"}, "versions": list(versions), **spec},
    }


def version(name, **content):
    return {"name": name, "served": True, **content}


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([], {}),
        ([{"apiVersion": "v1", "kind": "ConfigMap"}], {}),
        (
            [definition(version("v1", schema={"openAPIV3Schema": SCHEMA}), version("v2"))],
            {("example.com/v1", "Thing"): Definition(SCHEMA, {}), ("example.com/v2", "Thing"): None},
        ),
        ([definition(version("v1", schema=None))], {("example.com/v1", "Thing"): None}),
        (
            [definition(version("v1", schema={"openAPIV3Schema": SCHEMA}), preserveUnknownFields=True)],
            {("example.com/v1", "Thing"): None},
        ),
    ],
)
def test_declared(objects, expected):
    assert declared(objects) == expected


@pytest.mark.parametrize(
    ("api_version", "name", "known"),
    [
        ("networking.istio.io/v1", "io.istio.networking.v1.Gateway", True),
        ("gateway.networking.k8s.io/v1", "io.k8s.networking.gateway.v1.Gateway", True),
        ("networking.istio.io/v1", "io.istio.networking.v1beta1.Gateway", False),
        # Another API server behind this one, which names its types by their Go package.
        ("route.openshift.io/v1", "com.github.openshift.api.route.v1.Gateway", False),
        ("networking.istio.io/v1", "io.istio.networking.v1.GatewayList", False),
    ],
)
def test_published(api_version, name, known):
    schemas = {name: SCHEMA}
    assert published(api_version, "Gateway", schemas) == (Definition(SCHEMA, schemas) if known else None)


def test_what_is_published_otherwise_is_no_schema():
    assert published("example.com/v1", "Thing", {"com.example.v1.Thing": "x"}) is None
