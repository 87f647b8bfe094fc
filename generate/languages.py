# SPDX-License-Identifier: Apache-2.0
"""docs/pulumi-languages.md: one program in YAML and in TypeScript, checked against the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from pulumi_mesh.provider.schema import schema

from .note import NOTE

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource of the program; ``after`` names those that it stands on."""

    name: str
    type: str
    properties: Mapping[str, Any]
    after: tuple[str, ...] = ()


PROVIDER = Resource("cluster", "Provider", {"context": "onprem"})
STRICT = {
    "apiVersion": "security.istio.io/v1",
    "kind": "PeerAuthentication",
    "metadata": {"name": "default", "namespace": "istio-system"},
    "spec": {"mtls": {"mode": "STRICT"}},
}
PROGRAM = (
    Resource("plane", "ControlPlane", {"version": "1.31.0", "meshConfig": {"accessLogFile": "/dev/stdout"}}),
    Resource("shop", "Injection", {"namespaces": ["shop"]}, ("plane",)),
    Resource("ingress", "Gateway", {"name": "ingress", "version": "1.31.0"}, ("plane",)),
    Resource(
        "mutualTls", "ConfigSet", {"name": "mutual-tls", "namespace": "istio-system", "objects": [STRICT]}, ("plane",)
    ),
)
#: An output that the program shows: resource and property.
SHOWN = ("ingress", "addresses")


def files() -> dict[str, str]:
    """The document by its path. Raises ValueError where the program does not fit the schema."""
    whole = schema()
    check(whole, whole["provider"], PROVIDER.type, PROVIDER.properties)
    for resource in PROGRAM:
        check(whole, whole["resources"][f"mesh:index:{resource.type}"], resource.type, resource.properties)
    shown = next(resource.type for resource in PROGRAM if resource.name == SHOWN[0])
    if SHOWN[1] not in whole["resources"][f"mesh:index:{shown}"]["properties"]:
        raise ValueError(f"{shown} has no output {SHOWN[1]}")
    return {"docs/pulumi-languages.md": "\n".join(_document(whole)) + "\n"}


def _document(whole: Schema) -> Iterator[str]:
    yield "# Other languages"
    yield ""
    yield f"<!-- {NOTE} -->"
    yield ""
    yield "The provider speaks every language of Pulumi. `pip install pulumi-mesh && python -m pulumi_mesh install`"
    yield "makes it known to the engine; a typed SDK comes from its schema:"
    yield ""
    yield from (
        "```sh",
        "pulumi package add mesh          # into sdks/, and into the project's dependencies",
        "```",
        "",
    )
    yield from ("YAML needs no SDK:", "", "```yaml", *yaml_program().splitlines(), "```", "")
    package = whole["language"]["nodejs"]["packageName"]
    yield from ("The same in TypeScript:", "", "```typescript", *typescript_program(package), "```")


# -- YAML -----------------------------------------------------------------------------------------------------------


def yaml_program() -> str:
    """Pulumi.yaml."""
    resources: dict[str, Any] = {
        PROVIDER.name: {"type": "pulumi:providers:mesh", "properties": dict(PROVIDER.properties)}
    }
    for resource in PROGRAM:
        options: dict[str, Any] = {"provider": _reference(PROVIDER.name)}
        if resource.after:
            options["dependsOn"] = [_reference(name) for name in resource.after]
        told = {"type": f"mesh:{resource.type}", "properties": dict(resource.properties), "options": options}
        resources[resource.name] = told
    outputs = {SHOWN[1]: _reference(".".join(SHOWN))}
    program = {"name": "mesh", "runtime": "yaml", "resources": resources, "outputs": outputs}
    return yaml.safe_dump(program, sort_keys=False)


def _reference(what: str) -> str:
    return f"${{{what}}}"


# -- TypeScript -----------------------------------------------------------------------------------------------------


def typescript_program(package: str) -> Iterator[str]:
    """Lines of index.ts."""
    yield f'import * as mesh from "{package}";'
    yield ""
    yield f"const {PROVIDER.name} = new mesh.Provider({_literal(PROVIDER.name)}, {_literal(PROVIDER.properties)});"
    for resource in PROGRAM:
        options = ["provider: cluster", *([f"dependsOn: [{', '.join(resource.after)}]"] if resource.after else [])]
        yield f"const {resource.name} = new mesh.{resource.type}({_literal(resource.name)}, {{"
        yield from (f"    {key}: {_literal(value)}," for key, value in resource.properties.items())
        yield f"}}, {{ {', '.join(options)} }});"
    yield ""
    yield f"export const {SHOWN[1]} = {'.'.join(SHOWN)};"


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{key if key.isidentifier() else json.dumps(key)}: {_literal(v)}" for key, v in value.items()
        )
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value)


# -- against the schema ---------------------------------------------------------------------------------------------


def check(whole: Schema, wanted: Schema, place: str, given: Mapping[str, Any]) -> None:
    """Raises ValueError with the place at which properties are not as the schema wants them."""
    of_resource = "inputProperties" in wanted
    properties = wanted["inputProperties" if of_resource else "properties"]
    for name in wanted.get("requiredInputs" if of_resource else "required", ()):
        if name not in given:
            raise ValueError(f"{place}: {name} is required")
    for name, value in given.items():
        if name not in properties:
            raise ValueError(f"{place}: {name} is no property")
        _check_value(whole, properties[name], f"{place}.{name}", value)


_PYTHON = {"string": str, "boolean": bool, "integer": int, "number": float, "array": list, "object": Mapping}


def _check_value(whole: Schema, wanted: Schema, place: str, value: Any) -> None:
    reference = wanted.get("$ref", "")
    if reference.startswith("#/types/"):
        wanted = whole["types"][reference.removeprefix("#/types/")]
    elif reference:
        return  # anything
    kind: Any = _PYTHON[wanted["type"]]
    if not isinstance(value, kind) or (wanted["type"] == "integer" and isinstance(value, bool)):
        raise ValueError(f"{place}: {value!r} is no {wanted['type']}")
    if "enum" in wanted and value not in [choice["value"] for choice in wanted["enum"]]:
        raise ValueError(f"{place}: {value!r} is none of the choices")
    if wanted["type"] == "array":
        for number, item in enumerate(value):
            _check_value(whole, wanted["items"], f"{place}[{number}]", item)
    elif "properties" in wanted:
        check(whole, wanted, place, value)
