# SPDX-License-Identifier: Apache-2.0
"""The schema is complete: every property has its docs, every reference leads somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pulumi_mesh.provider import kept
from pulumi_mesh.provider.provider import PACKAGE, functions, resources
from pulumi_mesh.provider.schema import schema

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = schema()


def references(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_operation_is_there():
    assert set(SCHEMA["resources"]) == {*resources(), *kept.operations(PACKAGE)}
    assert set(SCHEMA["functions"]) == set(functions())
    assert "mesh:index:getMesh" in SCHEMA["functions"]
    called = re.findall(r'asked\("([^"]+)"', (ROOT / "pulumi_mesh" / "resources.py").read_text(encoding="utf-8"))
    assert sorted(called) == sorted(functions())


def test_every_reference_leads_somewhere():
    found = set(references(SCHEMA)) - {"pulumi.json#/Any"}
    assert found
    assert {reference.removeprefix("#/types/") for reference in found} <= set(SCHEMA["types"])


def test_every_property_is_documented_in_its_own_words():
    for token, resource in SCHEMA["resources"].items():
        for properties in (resource["inputProperties"], resource["properties"]):
            for name, found in properties.items():
                assert re.fullmatch(r"[a-z][A-Za-z0-9]*", name), (token, name)
                assert found["description"], (token, name)
                assert not re.search(r"\b[OVC]\(", found["description"]), (token, name)
        assert set(resource["requiredInputs"]) <= set(resource["inputProperties"])
        assert set(resource["required"]) <= set(resource["properties"])


def test_no_output_has_another_type_than_the_input_of_its_name():
    for resource in SCHEMA["resources"].values():
        for name, wanted in resource["inputProperties"].items():
            assert resource["properties"][name].get("type") == wanted.get("type"), name


def test_what_identifies_a_resource_replaces_it():
    marked = {
        token: sorted(name for name, found in resource["inputProperties"].items() if found.get("replaceOnChanges"))
        for token, resource in SCHEMA["resources"].items()
    }
    assert marked["mesh:index:ControlPlane"] == ["namespace", "revision"]
    assert marked["mesh:index:ConfigSet"] == ["name", "namespace"]
    assert marked["mesh:index:Injection"] == []


def test_it_is_the_same_every_time():
    assert json.dumps(schema(), sort_keys=True) == json.dumps(schema(), sort_keys=True)
