# SPDX-License-Identifier: Apache-2.0
"""What single keywords of a schema say of a value: its type, its limits, its choices."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterable, Mapping, Sized
from typing import Any, NamedTuple, Optional

from ..model.spec import name_of
from . import patterns

Schema = Mapping[str, Any]


class Fault(NamedTuple):
    """What is wrong at a path, and what to do. Values are not repeated: they may be secret."""

    path: str
    text: str
    hint: str = ""


#: In the place of a fault: only the API server can tell.
UNSURE = Fault("", "may be wrong")
_INT_OR_STRING = "x-kubernetes-int-or-string"
#: So many names are told at most.
_MOST = 12


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


#: type -> what it is called, and whether a value is one.
_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "array": ("a list", lambda value: isinstance(value, list)),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "integer": ("a whole number", lambda value: _is_number(value) and value % 1 == 0),
    "number": ("a number", _is_number),
    "object": ("a map", lambda value: isinstance(value, dict)),
    "string": ("a string", lambda value: isinstance(value, str)),
}


def of_another_type(value: Any, schema: Schema) -> Fault | None:
    """Whether the type of a value is wrong: then nothing else is worth a look."""
    if schema.get(_INT_OR_STRING):
        types = ["integer", "string"]
    elif "type" in schema:
        types = [schema["type"]]
    else:
        return None
    for name in types:
        if _TYPES[name][1](value):
            return None
    quote = "; quote it" if types == ["string"] and isinstance(value, (int, float)) else ""
    return Fault("", f"must be {' or '.join(_TYPES[name][0] for name in types)}, not {name_of(value)}{quote}")


#: What a keyword (with its argument, in its schema) says of a value of the right type.
Rule = Callable[[Any, Any, Schema], Optional[Fault]]  # noqa: UP045 - evaluated where Ansible checks imports


def _size(type_: type[Sized], keeps: Callable[[int, int], bool], text: str) -> Rule:
    def rule(value: Any, limit: Any, _schema: Schema) -> Fault | None:
        wrong = isinstance(value, type_) and not keeps(len(value), limit)
        return Fault("", text.format(limit)) if wrong else None

    return rule


def _bound(keeps: Callable[[Any, Any], bool], text: str) -> Rule:
    def rule(value: Any, limit: Any, _schema: Schema) -> Fault | None:
        return Fault("", text.format(limit)) if _is_number(value) and not keeps(value, limit) else None

    return rule


def _open_bound(keyword: str, text: str) -> Rule:
    def rule(value: Any, exclusive: Any, schema: Schema) -> Fault | None:
        wrong = exclusive is True and _is_number(value) and value == schema.get(keyword)
        return Fault("", text.format(schema.get(keyword))) if wrong else None

    return rule


def _enum(value: Any, choices: Any, _schema: Schema) -> Fault | None:
    if value in choices:
        return None
    close = difflib.get_close_matches(value, map(str, choices), 1, 0.8) if isinstance(value, str) else []
    return Fault("", f"must be one of {told(choices)}", f"did you mean {close[0]}?" if close else "")


def _pattern(value: Any, pattern: Any, _schema: Schema) -> Fault | None:
    matches = patterns.found(pattern, value) if isinstance(value, str) else True
    return UNSURE if matches is None else None if matches else Fault("", f"must match {pattern}")


def _of_the_server(_value: Any, _argument: Any, _schema: Schema) -> Fault | None:
    return UNSURE


RULES: dict[str, Rule] = {
    "minLength": _size(str, operator.ge, "must have at least {} characters"),
    "maxLength": _size(str, operator.le, "must have at most {} characters"),
    "minItems": _size(list, operator.ge, "must have at least {} items"),
    "maxItems": _size(list, operator.le, "must have at most {} items"),
    "minProperties": _size(dict, operator.ge, "must have at least {} fields"),
    "maxProperties": _size(dict, operator.le, "must have at most {} fields"),
    "minimum": _bound(operator.ge, "must be at least {}"),
    "maximum": _bound(operator.le, "must be at most {}"),
    "exclusiveMinimum": _open_bound("minimum", "must be more than {}"),
    "exclusiveMaximum": _open_bound("maximum", "must be less than {}"),
    "enum": _enum,
    "pattern": _pattern,
    **dict.fromkeys(("format", "multipleOf", "uniqueItems"), _of_the_server),
}


def nearest(name: Any, names: Iterable[str]) -> str:
    """The hint for a field that is none of these."""
    known = sorted(names)
    close = difflib.get_close_matches(str(name), known, 1)
    return f"did you mean {close[0]}?" if close else f"fields: {told(known)}"


def told(names: Iterable[Any]) -> str:
    """Names as a text of bearable length."""
    known = [str(name) for name in names]
    return ", ".join([*known[:_MOST], *(["..."] if len(known) > _MOST else [])])
