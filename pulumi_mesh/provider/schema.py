# SPDX-License-Identifier: Apache-2.0
"""The package's schema (https://www.pulumi.com/docs/iac/extending-pulumi/schema), from the specs."""

from __future__ import annotations

import json
from typing import Any

from .._core.model.operation import AnyOperation, Query
from .._core.model.options import RunOptions
from .._core.model.spec import Field, Type, fields
from .._version import VERSION
from . import kept
from .configuration import OPTIONS
from .naming import camel, markdown, pascal
from .provider import PACKAGE, functions, resources
from .renewal import Renewal

Schema = dict[str, Any]

_ANY: Schema = {"$ref": "pulumi.json#/Any"}
_FREE: Schema = {"type": "object", "additionalProperties": _ANY}
_SCALARS = {"bool": "boolean", "int": "integer", "str": "string"}

_NODEJS = {"packageName": "@meshops/mesh", "respectSchemaVersion": True}

#: Outputs of every resource beside what its operation returns.
DERIVED: dict[str, Schema] = {
    "inventory": {
        **_FREE,
        "description": "Every object of the resource: `Kind namespace/name` with a digest of what was declared, and, "
        "after a refresh, how the cluster differs from it.",
    },
    "claim": {
        "type": "string",
        "description": "The mark in the cluster by which the thing is this resource's: who brings the same thing about "
        "by another resource takes it over, and the deletion of this one then leaves it alone.",
    },
}


def text() -> str:
    """The schema in JSON."""
    return json.dumps(schema())


def schema() -> Schema:
    """The schema."""
    types: Schema = {}
    return {
        "name": PACKAGE,
        "displayName": "Service mesh",
        "version": VERSION,
        "description": "Provision a service mesh from one declaration: Istio's control plane, sidecar injection, "
        "gateways and configuration, on any number of clusters.",
        "keywords": ["pulumi", "kubernetes", "istio", "service-mesh", "category/infrastructure", "kind/native"],
        "license": "Apache-2.0",
        "config": {"variables": _configuration()},
        "provider": {
            "description": "How to reach a cluster. One provider per cluster.",
            "inputProperties": _configuration(),
            "properties": {},
        },
        "resources": {
            **{token: _resource(token, resource.operation, types) for token, resource in resources().items()},
            **{token: _resource(token, operation, types) for token, operation in kept.operations(PACKAGE).items()},
        },
        "functions": {token: _function(token, operation, types) for token, operation in functions().items()},
        "types": types,
        "language": {"python": {"packageName": "pulumi_mesh"}, "nodejs": _NODEJS},
    }


def _configuration() -> Schema:
    return {camel(name): _configured(name) for name in OPTIONS}


def _configured(name: str) -> Schema:
    option = OPTIONS[name]
    wanted: Schema = {"type": option.type, **({"items": {"type": "string"}} if option.type == "array" else {})}
    where = f" Also from {', '.join(f'`{name}`' for name in option.environment)}." if option.environment else ""
    return {**wanted, "description": f"{option.doc}{where}", **({"secret": True} if option.secret else {})}


def beside(*, kept: bool) -> tuple[Any, dict[str, Schema]]:
    """What a resource takes beside its spec, and what it tells beside what its operation returns."""
    return (Renewal, {}) if kept else (RunOptions, DERIVED)


def _resource(token: str, operation: AnyOperation, types: Schema) -> Schema:
    (more, derived), spec = beside(kept=isinstance(operation, Query)), fields(operation.spec)
    inputs = {**_properties(spec, token, types), **_properties(fields(more), f"{PACKAGE}:index:", types)}
    results = _properties(fields(operation.returns), token, types)
    required = sorted(camel(field.name) for field in (*spec, *fields(more)) if field.required)
    return {
        "description": _first_line(operation.spec),
        "inputProperties": inputs,
        "requiredInputs": required,
        "properties": {**inputs, **results, **derived},
        "required": sorted({*required, *results, *({"inventory"} & {*derived})}),
    }


def _function(token: str, operation: Query[Any], types: Schema) -> Schema:
    name = token.rpartition(":")[2]
    of_types = f"{PACKAGE}:index:{name[0].upper()}{name[1:]}"  # names of types begin with a capital letter
    inputs, outputs = (_object(spec, of_types, types) for spec in (operation.spec, operation.returns))
    return {"description": _first_line(operation.spec), "inputs": inputs, "outputs": outputs}


def _object(spec: Any, token: str, types: Schema) -> Schema:
    own = fields(spec)
    required = sorted(camel(field.name) for field in own if field.required)
    return {"type": "object", "properties": _properties(own, token, types), "required": required}


def _properties(own: tuple[Field, ...], token: str, types: Schema) -> Schema:
    return {camel(field.name): _property(field, token, types) for field in own}


def _property(field: Field, token: str, types: Schema) -> Schema:
    option = field.option
    found = {**_type(field.type, f"{token}{pascal(field.name)}", types), "description": markdown(option.doc)}
    if field.type.kind in ("bool", "int", "str", "enum") and not field.required and field.default is not None:
        found["default"] = field.default
    marks = {"secret": option.secret, "replaceOnChanges": option.replaces}
    found |= {name: True for name, set_ in marks.items() if set_}
    return {**found, **({"deprecationMessage": option.deprecated} if option.deprecated else {})}


def _type(wanted: Type, enum: str, types: Schema) -> Schema:
    if wanted.kind in _SCALARS:
        return {"type": _SCALARS[wanted.kind]}
    if wanted.kind == "enum":
        types[enum] = {"type": "string", "enum": [{"value": choice} for choice in wanted.choices]}
        return {"type": "string", "$ref": f"#/types/{enum}"}
    if wanted.kind == "list" and wanted.item:
        return {"type": "array", "items": _type(wanted.item, enum, types)}
    if wanted.kind == "map" and wanted.item:
        return {"type": "object", "additionalProperties": _type(wanted.item, enum, types)}
    if wanted.kind == "struct":
        return {"$ref": f"#/types/{_struct(wanted.struct, types)}"}
    return _FREE


def _struct(spec: Any, types: Schema) -> str:
    token = f"{PACKAGE}:index:{spec.__name__}"
    if token not in types:
        types[token] = {}  # a struct may hold itself
        types[token] = {"description": _first_line(spec), **_object(spec, token, types)}
    return token


def _first_line(spec: Any) -> str:
    return (spec.__doc__ or "").strip().splitlines()[0]
