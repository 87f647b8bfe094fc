# SPDX-License-Identifier: Apache-2.0
"""What an API server surely refuses of a custom resource, and above all what it does not."""

from __future__ import annotations

import pytest
from mesh.plan.schemas import faults

PRESERVE, INT_OR_STRING = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
EMBEDDED = "x-kubernetes-embedded-resource"
STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def fields(**properties):
    return {"type": "object", "properties": properties}


def needs(*names):
    return {"required": list(names)}


def wrong(spec, schema, named=None):
    """The faults of an object whose spec has this schema, as ``path: text (hint)``."""
    obj = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": spec}
    found = faults(obj, fields(spec=schema), named or {})
    return [f"{fault.path}: {fault.text}" + (f" ({fault.hint})" if fault.hint else "") for fault in found]


PAIR = {**fields(a=STRING, b=STRING), "oneOf": [{"not": {"anyOf": [needs("a"), needs("b")]}}, needs("a"), needs("b")]}


@pytest.mark.parametrize(
    ("spec", "schema", "complaints"),
    [
        # Fields that are not there.
        ({"hosts": []}, fields(host=STRING), ["spec.hosts: is not a field (did you mean host?)"]),
        ({"zzz": 1}, fields(b=STRING, a=STRING), ["spec.zzz: is not a field (fields: a, b)"]),
        ({"a": {"c": 1}}, fields(a=fields(b=INTEGER)), ["spec.a.c: is not a field (fields: b)"]),
        ({"a": [{}, {"c": 1}]}, fields(a={"type": "array", "items": fields(b=INTEGER)}), ["spec.a[1].c: is not a field"
            " (fields: b)"]),
        ({"x y": 1}, fields(b=STRING), ['spec["x y"]: is not a field (fields: b)']),
        ({"any": {"thing": 1}}, {"type": "object"}, []),
        ({"any": {"thing": 1}}, {**fields(a=STRING), PRESERVE: True}, []),
        ({"a": {"thing": 1}}, {**fields(a=fields(b=STRING)), PRESERVE: True}, []),
        ({"a": {"b": 1}}, {**fields(a=fields(b=STRING)), PRESERVE: True}, ["spec.a.b: must be a string, not a number; "
            "quote it"]),
        ({"any": 1}, {"type": "object", "additionalProperties": INTEGER}, []),
        ({"any": 1}, {"type": "object", "additionalProperties": True}, []),
        ({"any": "1"}, {"type": "object", "additionalProperties": INTEGER}, ["spec.any: must be a whole number, not a "
            "string"]),
        # Fields that must be there.
        ({}, {**fields(a=STRING), **needs("a")}, ["spec.a: is required"]),
        ({"a": ""}, {**fields(a=STRING), **needs("a")}, []),
        ({}, {**fields(a={**STRING, "default": "x"}), **needs("a")}, []),
        ({}, {**fields(a={**fields(b={**STRING, "default": "x"}), **needs("b"), "default": {}}), **needs("a")}, []),
        ({"a": [{}]}, fields(a={"type": "array", "items": {**fields(b={**STRING, "default": "x"}), **needs("b")}}), []),
        ({"a": {"k": {}}}, fields(a={"type": "object", "additionalProperties": {**fields(b={"default": 1}),
            **needs("b")}}), []),
        ({}, {**fields(a={**STRING, "default": "x"}), "anyOf": [needs("a"), needs("b")]}, []),
        # Types.
        ({"a": 1}, fields(a=STRING), ["spec.a: must be a string, not a number; quote it"]),
        ({"a": True}, fields(a=STRING), ["spec.a: must be a string, not a boolean; quote it"]),
        ({"a": []}, fields(a=STRING), ["spec.a: must be a string, not a list"]),
        ({"a": True}, fields(a=INTEGER), ["spec.a: must be a whole number, not a boolean"]),
        ({"a": 1.5}, fields(a=INTEGER), ["spec.a: must be a whole number, not a number"]),
        ({"a": 1.0}, fields(a=INTEGER), []),
        ({"a": 1}, fields(a={"type": "number"}), []),
        ({"a": "1"}, fields(a={"type": "number"}), ["spec.a: must be a number, not a string"]),
        ({"a": 1}, fields(a={"type": "boolean"}), ["spec.a: must be true or false, not a number"]),
        ({"a": {}}, fields(a={"type": "array", "items": STRING}), ["spec.a: must be a list, not a map"]),
        ([], fields(a=STRING), ["spec: must be a map, not a list"]),
        ({"a": 1, "b": "1"}, fields(a={INT_OR_STRING: True}, b={INT_OR_STRING: True}), []),
        ({"a": True}, fields(a={INT_OR_STRING: True}), ["spec.a: must be a whole number or a string, not a boolean"]),
        ({"a": None, "b": [None]}, fields(a=STRING, b={"type": "array", "items": STRING}), []),
        ({"a": {"b": 1}}, fields(a={}), []),
        # Limits.
        ({"a": ""}, fields(a={**STRING, "minLength": 1}), ["spec.a: must have at least 1 characters"]),
        ({"a": "\u6f22\u5b57"}, fields(a={**STRING, "maxLength": 2}), []),
        ({"a": "abc"}, fields(a={**STRING, "maxLength": 2}), ["spec.a: must have at most 2 characters"]),
        ({"a": []}, fields(a={"type": "array", "minItems": 1}), ["spec.a: must have at least 1 items"]),
        ({"a": [1, 2]}, fields(a={"type": "array", "maxItems": 1}), ["spec.a: must have at most 1 items"]),
        ({"a": {}}, fields(a={"type": "object", "minProperties": 1}), ["spec.a: must have at least 1 fields"]),
        ({"a": {"b": 1}}, fields(a={"type": "object", "maxProperties": 0}), ["spec.a: must have at most 0 fields"]),
        ({"a": 0}, fields(a={**INTEGER, "minimum": 1}), ["spec.a: must be at least 1"]),
        ({"a": 1}, fields(a={**INTEGER, "minimum": 1}), []),
        ({"a": 1}, fields(a={**INTEGER, "minimum": 1, "exclusiveMinimum": True}), ["spec.a: must be more than 1"]),
        ({"a": 70000}, fields(a={**INTEGER, "maximum": 65535}), ["spec.a: must be at most 65535"]),
        ({"a": 9}, fields(a={**INTEGER, "maximum": 9, "exclusiveMaximum": True}), ["spec.a: must be less than 9"]),
        ({"a": "x"}, fields(a={INT_OR_STRING: True, "minimum": 1}), []),
        ({"a": "SIMPEL"}, fields(a={"enum": ["SIMPLE", "MUTUAL"]}), ["spec.a: must be one of SIMPLE, MUTUAL (did you "
            "mean SIMPLE?)"]),
        ({"a": 3}, fields(a={"enum": [1, 2]}), ["spec.a: must be one of 1, 2"]),
        ({"a": "B"}, fields(a={**STRING, "pattern": "^[a-z]$"}), ["spec.a: must match ^[a-z]$"]),
        ({"a": "B"}, fields(a={**STRING, "pattern": r"^\p{Greek}$"}), []),
        ({"a": "no date"}, fields(a={**STRING, "format": "date-time"}), []),
        # Combinations.
        ({"a": "x"}, PAIR, []),
        ({}, PAIR, []),
        ({"a": "x", "b": "x"}, PAIR, ["spec: can have only one of a, b"]),
        ({}, {**fields(a=STRING, b=STRING), "oneOf": [needs("a"), needs("b")]}, ["spec: needs one of a, b"]),
        ({}, {**fields(a=STRING, b=STRING), "anyOf": [needs("a"), needs("b")]}, ["spec: needs one of a, b"]),
        ({"a": "x", "b": "x"}, {**fields(a=STRING, b=STRING), "anyOf": [needs("a"), needs("b")]}, []),
        ({}, {**fields(a=STRING), "allOf": [needs("a"), {"minProperties": 1}]}, ["spec.a: is required",
            "spec: must have at least 1 fields"]),
        ({"a": "x"}, {**fields(a=STRING), "not": needs("a")}, ["spec: must not have a"]),
        ({"a": "x"}, fields(a={**STRING, "not": {"enum": ["x"]}}), ["spec.a: is what its schema excludes"]),
        ({"a": 3}, fields(a={**INTEGER, "anyOf": [{"minimum": 5}, {"maximum": 1}]}), ["spec.a: fits none of the "
            "alternatives of its schema"]),
        ({"a": 3}, fields(a={**INTEGER, "oneOf": [{"minimum": 1}, {"maximum": 9}]}), ["spec.a: fits several exclusive "
            "alternatives"]),
        # A field that an alternative does not name is none that is not there.
        ({"a": "x"}, {**fields(a=STRING, b=STRING), "anyOf": [{"properties": {"b": {"enum": ["y"]}}}]}, []),
        # In doubt for the declaration, on both sides of a `not`.
        ({"a": "x"}, fields(a={**STRING, "not": {"format": "date-time"}}), []),
        ({"a": "x"}, fields(a={**STRING, "not": {"not": {"format": "date-time"}}}), []),
        ({"a": "x"}, fields(a={**STRING, "anyOf": [{"format": "date"}, {"maxLength": 0}]}), []),
        ({"a": "x"}, fields(a={**STRING, "oneOf": [{"format": "date"}, {"maxLength": 1}]}), []),
        # Objects in objects.
        ({"a": {"apiVersion": "v1", "kind": "X", "metadata": {"any": 1}, "b": "x"}}, fields(a={**fields(b=STRING),
            EMBEDDED: True}), []),
        ({"a": {"kind": "X"}}, fields(a={**fields(b=STRING), EMBEDDED: True}), ["spec.a.apiVersion: is required"]),
        ({"a": {"kind": "X"}}, fields(a=fields(b=STRING)), ["spec.a.kind: is not a field (fields: b)"]),
        # Rules that only the API server can judge.
        ({"a": "x"}, {**fields(a=STRING), "x-kubernetes-validations": [{"rule": "false"}]}, []),
    ],
)  # fmt: skip
def test_faults(spec, schema, complaints):
    assert wrong(spec, schema) == complaints


@pytest.mark.parametrize(
    "written", [lambda ref: {**ref, "description": "a"}, lambda ref: {"allOf": [ref], "default": {}}]
)
@pytest.mark.parametrize(
    ("metadata", "complaints"),
    [
        ({"name": "x", "labels": {"a": "b"}}, []),
        ({"name": "x", "lables": {}}, ["metadata.lables: is not a field (did you mean labels?)"]),
        ({"name": "x", "labels": {"a": 1}}, ["metadata.labels.a: must be a string, not a number; quote it"]),
    ],
)
def test_references(metadata, complaints, written):
    labels = {"type": "object", "additionalProperties": STRING}
    named = {"meta.v1.ObjectMeta": fields(name=STRING, labels=labels)}
    schema = fields(metadata=written({"$ref": "#/components/schemas/meta.v1.ObjectMeta"}), spec=fields())
    obj = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata, "spec": {}}
    found = [f"{fault.path}: {fault.text} ({fault.hint})".removesuffix(" ()") for fault in faults(obj, schema, named)]
    assert found == complaints
    assert faults(obj, schema, {}) == [], "nobody knows what is behind a reference that leads nowhere"


def test_the_status_is_somebody_elses():
    schema = {**fields(spec=fields(), status=fields(a=STRING)), "required": ["spec", "status"]}
    obj = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": {}, "status": {"b": 1}}
    assert faults(obj, schema, {}) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "thing"},
        {"type": ["object"]},
        {"type": "object", "properties": 7},
        {"type": "object", "properties": {"a": 7}},
        {"type": "object", "required": 7},
        {"type": "object", "properties": {"a": {"minimum": "x"}}},
        {"type": "object", "properties": {"a": {"enum": 7}}},
        {"anyOf": 7},
        {"$ref": 7},
        {"$ref": "#/components/schemas/loop"},
    ],
)
def test_what_is_no_schema_refuses_nothing(schema):
    assert wrong({"a": 1}, schema, {"loop": {"$ref": "#/components/schemas/loop"}}) == []


def test_no_value_is_repeated():
    secret = "271828182845"
    schema = {
        **fields(
            a={**STRING, "pattern": "^x$", "maxLength": 1},
            b={**STRING, "enum": ["271828182846"]},
            c={**INTEGER},
            d={**INTEGER, "maximum": 1},
        ),
        "not": needs("a"),
    }
    found = faults(
        {"apiVersion": "v1", "kind": "X", "spec": {"a": secret, "b": secret, "c": secret, "d": int(secret)}},
        fields(spec=schema),
        {},
    )
    assert len(found) == 6
    assert secret not in repr(found)
