# SPDX-License-Identifier: Apache-2.0
"""The examples in other languages fit the schema, and would not be written if they did not."""

from __future__ import annotations

import pytest
import yaml

from generate.languages import PROGRAM, check, typescript_program, yaml_program
from pulumi_mesh.provider.schema import schema

SCHEMA = schema()


@pytest.mark.parametrize(
    ("type_", "properties", "complaint"),
    [
        ("ControlPlane", {"meshconfig": {}}, "ControlPlane: meshconfig is no property"),
        ("ControlPlane", {"waitTimeout": "5"}, r"ControlPlane.waitTimeout: '5' is no integer"),
        ("ControlPlane", {"waitTimeout": True}, "is no integer"),
        ("ControlPlane", {"charts": {"plainHtp": True}}, "ControlPlane.charts: plainHtp is no property"),
        ("Injection", {"namespaces": ["shop"], "mode": "sometimes"}, "none of the choices"),
        ("Injection", {}, "Injection: namespaces is required"),
        ("Injection", {"namespaces": [1]}, r"Injection.namespaces\[0\]: 1 is no string"),
    ],
)
def test_what_does_not_fit_is_refused(type_, properties, complaint):
    with pytest.raises(ValueError, match=complaint):
        check(SCHEMA, SCHEMA["resources"][f"mesh:index:{type_}"], type_, properties)


def test_both_programs_have_every_resource():
    in_yaml = yaml.safe_load(yaml_program())["resources"]
    in_typescript = "\n".join(typescript_program("mesh"))
    for resource in PROGRAM:
        check(SCHEMA, SCHEMA["resources"][f"mesh:index:{resource.type}"], resource.type, resource.properties)
        assert in_yaml[resource.name]["properties"] == resource.properties
        assert f"const {resource.name} = new mesh.{resource.type}(" in in_typescript
