# SPDX-License-Identifier: Apache-2.0
"""JSON Schema of mesh.yaml, by which editors complete and check it."""

from __future__ import annotations

import json
from typing import Any

from mesh.model.declaration import ORDER, SRC, takes_files
from mesh.model.operation import AnyOperation
from mesh.model.options import RunOptions
from mesh.model.spec import Field, Type, fields

from pulumi_mesh.provider.naming import plain_text

from .note import NOTE

Schema = dict[str, Any]

#: For items that have objects.
_SRC: Schema = {
    "type": ["array", "string"],
    "items": {"type": "string"},
    "description": "Files with more objects, as YAML or JSON: paths, directories (every .yaml, .yml and .json below "
    "them) and glob patterns. Relative ones start in the directory of this file.",
}
_SCALARS = {"bool": "boolean", "int": "integer", "str": "string", "enum": "string", "object": "object"}


def files(operations: dict[str, AnyOperation]) -> dict[str, str]:
    """Path -> text."""
    return {"docs/mesh.schema.json": json.dumps(_schema(operations), indent=2) + "\n"}


def _schema(operations: dict[str, AnyOperation]) -> Schema:
    lists = {name: {"$ref": f"#/definitions/{name}"} for name in ORDER}
    of_a_cluster: dict[str, Schema] = {
        "kubeconfig": {"type": "string", "description": "Path of a kubeconfig; the usual one without it."},
        "context": {"type": "string", "description": "Context of the kubeconfig; its current one without it."},
        "cluster_name": {"type": "string", "description": "Name of the cluster in the mesh, for its control planes."},
        "network": {"type": "string", "description": "Network of the cluster, for its control planes."},
        "platform": {"type": "string", "description": "Where the cluster runs, for its control planes."},
        **lists,
    }
    cluster: Schema = {"type": ["object", "null"], "additionalProperties": False, "properties": of_a_cluster}
    clusters = {
        "type": "object",
        "description": "The clusters of the mesh by name. A cluster's own list stands in place of the one for all.",
        "minProperties": 1,
        "additionalProperties": cluster,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": NOTE,
        "title": "mesh.yaml",
        "type": "object",
        "required": ["clusters"],
        "additionalProperties": False,
        "properties": {"plugin": {"const": "meshops.mesh.declaration"}, "clusters": clusters, **lists},
        "definitions": {name: _list(operations[name]) for name in ORDER},
    }


def _list(operation: Any) -> Schema:
    items = _object((*fields(operation.spec), *fields(RunOptions)))
    if takes_files(operation):
        items["properties"][SRC] = _SRC
    return {"type": "array", "description": _first_line(operation.spec), "items": items}


def _object(own: tuple[Field, ...]) -> Schema:
    required = [field.name for field in own if field.required]
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _property(field) for field in own},
        **({"required": required} if required else {}),
    }


def _property(field: Field) -> Schema:
    described = {**_type(field.type), "description": plain_text(field.option.doc)}
    plain = field.type.kind in ("bool", "int", "str", "enum") and not field.required and field.default is not None
    return {**described, "default": field.default} if plain else described


def _type(wanted: Type) -> Schema:
    if wanted.kind == "struct":
        return _object(fields(wanted.struct))
    if wanted.kind == "list" and wanted.item:
        return {"type": "array", "items": _type(wanted.item)}
    if wanted.kind == "map" and wanted.item:
        return {"type": "object", "additionalProperties": _type(wanted.item)}
    return {"type": _SCALARS[wanted.kind], **({"enum": list(wanted.choices)} if wanted.choices else {})}


def _first_line(spec: Any) -> str:
    return (spec.__doc__ or "").strip().splitlines()[0]
