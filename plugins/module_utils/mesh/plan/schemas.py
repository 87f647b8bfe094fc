# SPDX-License-Identifier: Apache-2.0
"""Where a custom resource does not fit the schema of its kind, found before anything is sent.

Structural schemas as Kubernetes has them: defaults are filled in before anything is looked at, and fields that no
schema names are refused. What an API server may see otherwise is no fault: null (pruned or defaulted), formats, rules
in CEL, and what of regular expressions only RE2 can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union

from ..model.objects import Object
from .difference import join
from .keywords import RULES, UNSURE, Fault, Schema, nearest, of_another_type, told

_PRESERVE, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
#: Keys of maps and indexes of lists.
_Path = tuple[Union[str, int], ...]  # noqa: UP007 - evaluated where Ansible checks imports
_COMBINING = frozenset({"allOf", "anyOf", "oneOf", "not"})
#: What every object has, whether its schema says so or not.
_OF_EVERY_OBJECT = frozenset({"apiVersion", "kind", "metadata"})
#: What none can be without.
_NAMED = dict.fromkeys(("apiVersion", "kind"))


def faults(obj: Object, schema: Schema, named: Mapping[str, Schema]) -> list[Fault]:
    """What an API server surely refuses of an object; ``named`` are the schemas to which ``$ref`` refers. The status is
    left out: another writes it."""
    body = {key: value for key, value in obj.items() if key != "status"}
    checker = _Checker(named)
    try:
        required = [name for name in schema.get("required") or () if name != "status"]
        whole = {**schema, _EMBEDDED: True, "required": required}
        # Filling in takes its time, and defaults mend more than they break.
        return checker.sure(body, whole) and checker.sure(checker.filled(body, whole), whole)
    except (AttributeError, KeyError, TypeError, ValueError):
        return []  # That is no schema. Who declares one is told so by the API server.


@dataclass(frozen=True)
class _Checker:
    named: Mapping[str, Schema]

    def sure(self, body: Object, schema: Schema) -> list[Fault]:
        """All that is surely wrong with an object."""
        return [fault for fault in self.faults(body, schema, (), closed=True) if fault is not UNSURE]

    def filled(self, value: Any, schema: Schema) -> Any:
        """The value with all defaults."""
        schema = self._resolved(schema)
        if isinstance(value, dict):
            properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
            defaults = {key: part["default"] for key, part in properties.items() if part.get("default") is not None}
            rest = others if isinstance(others, dict) else {}
            return {key: self.filled(item, properties.get(key, rest)) for key, item in {**defaults, **value}.items()}
        if isinstance(value, list) and "items" in schema:
            return [self.filled(item, schema["items"]) for item in value]
        return value

    def faults(self, value: Any, schema: Schema, path: _Path, *, closed: bool) -> Iterator[Fault]:
        """``closed``: fields that the schema does not name are refused."""
        schema = self._resolved(schema)
        if value is None:
            yield UNSURE
            return
        if other := of_another_type(value, schema):
            yield other._replace(path=_told(path))
            return
        for keyword, argument in schema.items():
            rule = RULES.get(keyword)
            if rule and (fault := rule(value, argument, schema)):
                yield fault if fault is UNSURE else fault._replace(path=_told(path))
        # Below, unknown fields are dropped silently.
        closed = closed and not schema.get(_PRESERVE)
        if isinstance(value, dict):
            yield from self._in_map(value, schema, path, closed)
        elif isinstance(value, list) and "items" in schema:
            for index, item in enumerate(value):
                yield from self.faults(item, schema["items"], (*path, index), closed=closed)
        if not _COMBINING.isdisjoint(schema):
            yield from self._combined(value, schema, path, closed)

    def _in_map(self, value: Mapping[str, Any], schema: Schema, path: _Path, closed: bool) -> Iterator[Fault]:
        properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
        required = schema.get("required") or ()
        for key in {**dict.fromkeys(required), **_NAMED} if schema.get(_EMBEDDED) else required:
            if key not in value:
                yield Fault(_told((*path, key)), "is required")
        for key, item in value.items():
            if key in properties:
                yield from self.faults(item, properties[key], (*path, key), closed=closed)
            elif isinstance(others, dict):
                yield from self.faults(item, others, (*path, key), closed=closed)
            elif closed and properties and not others and not (schema.get(_EMBEDDED) and key in _OF_EVERY_OBJECT):
                yield Fault(_told((*path, key)), "is not a field", nearest(key, properties))

    def _combined(self, value: Any, schema: Schema, path: _Path, closed: bool) -> Iterator[Fault]:
        for part in schema.get("allOf") or ():
            # So a reference is written that has a description beside it.
            yield from self.faults(value, part, path, closed=closed and "$ref" in part)
        if any_of := schema.get("anyOf"):
            yield from _none_of(any_of, [self._fits(value, part) for part in any_of], path)
        if one_of := schema.get("oneOf"):
            answers = [self._fits(value, part) for part in one_of]
            yield from _several_of(one_of, answers, path) or _none_of(one_of, answers, path)
        if "not" in schema:
            fits = self._fits(value, schema["not"])
            if fits is None:
                yield UNSURE
            elif fits:
                names = _alternatives([schema["not"]])
                yield Fault(_told(path), f"must not have {names}" if names else "is what its schema excludes")

    def _fits(self, value: Any, schema: Schema) -> bool | None:
        """Whether a value fits; None where only the API server can tell."""
        seen = set(self.faults(value, schema, (), closed=False))
        return not seen or (None if seen == {UNSURE} else False)

    def _resolved(self, schema: Schema) -> Schema:
        """What a reference refers to; what is not there excludes nothing."""
        reference = schema.get("$ref")
        return self.named.get(reference.rpartition("/")[2], {}) if reference else schema


def _none_of(parts: Iterable[Schema], answers: list[bool | None], path: _Path) -> Iterator[Fault]:
    if True in answers:
        return
    names = _alternatives(parts)
    fault = Fault(_told(path), f"needs one of {names}" if names else "fits none of the alternatives of its schema")
    yield UNSURE if None in answers else fault


def _several_of(parts: Iterable[Schema], answers: list[bool | None], path: _Path) -> list[Fault]:
    fitting = [part for part, fits in zip(parts, answers, strict=True) if fits]
    if len(fitting) < 2:
        return []
    names = _alternatives(fitting)
    return [Fault(_told(path), f"can have only one of {names}" if names else "fits several exclusive alternatives")]


def _told(path: _Path) -> str:
    shown = ""
    for step in path:
        shown = join(shown, step) if isinstance(step, str) else f"{shown}[{step}]"
    return shown


def _alternatives(parts: Iterable[Schema]) -> str:
    """The fields by which alternatives differ, as far as they say."""
    return told(dict.fromkeys(key for part in parts for key in part.get("required") or ()))
