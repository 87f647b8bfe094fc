# SPDX-License-Identifier: Apache-2.0
"""Specs: dataclasses whose fields carry docs, checks and marks, and from which both fronts are generated.

A spec is a frozen dataclass. Its annotations are the types (``bool``, ``int``, ``str``, ``Literal[...]`` for an enum,
``list[T]``, ``dict[str, T]`` for a map, another spec for a struct, ``dict[str, Any]`` for a free object, ``T | None``
for "not set"), and each field is made by :func:`option`.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from .errors import MeshError
from .secrets import leaves, of_object, of_values, quoted

# option() makes fields for the bodies of dataclasses.
# pylint: disable=invalid-field-call

S = TypeVar("S")

#: A check returns what is wrong with a value, as the end of a sentence ("must be ..."), or None.
Check = Callable[[Any], "str | None"]

Kind = Literal["bool", "int", "str", "enum", "list", "map", "struct", "object"]


@dataclass(frozen=True)
class Option:
    """What a field of a spec carries beside its type."""

    doc: str
    check: Check | None = None
    secret: bool = False
    #: A change of this field needs a replacement of the resource (Pulumi) or a new object beside the old one.
    replaces: bool = False
    aliases: tuple[str, ...] = ()
    since: str = "1.0.0"
    deprecated: str = ""
    example: Any = None


def option(doc: str, *, default: Any = dataclasses.MISSING, **marks: Any) -> Any:
    """A field of a spec. Without ``default`` it is required; lists and dicts are copied per instance."""
    metadata = {"option": Option(doc, **marks)}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    if dataclasses.is_dataclass(default) and isinstance(default, type):
        return dataclasses.field(default_factory=default, metadata=metadata)
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Type:
    """The type of an option: ``item`` for lists and maps, ``choices`` for enums, ``struct`` for structs."""

    kind: Kind
    optional: bool = False
    item: Type | None = None
    choices: tuple[str, ...] = ()
    struct: type | None = None


@dataclass(frozen=True)
class Field:
    """One option of a spec, as generators and the parser see it. ``default`` is meaningless when ``required``."""

    name: str
    type: Type
    option: Option
    required: bool
    default: Any


def fields(spec: Any) -> tuple[Field, ...]:
    """The options of a spec, in the order in which they are written."""
    return _fields(spec)


@functools.cache
def _fields(spec: Any) -> tuple[Field, ...]:
    hints = typing.get_type_hints(spec)
    found = []
    for field in dataclasses.fields(spec):
        factory: Any = field.default_factory
        has_factory = factory is not dataclasses.MISSING
        required = field.default is dataclasses.MISSING and not has_factory
        default = factory() if has_factory else field.default
        marks: Option = field.metadata["option"]
        found.append(Field(field.name, _type_of(hints[field.name]), marks, required, default))
    return tuple(found)


def _type_of(hint: Any) -> Type:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"a spec knows no unions but `T | None`: {hint}")
        return dataclasses.replace(_type_of(inner[0]), optional=True)
    if origin is Literal:
        return Type("enum", choices=arguments)
    if origin is list:
        return Type("list", item=_type_of(arguments[0]))
    if origin is dict:
        return Type("object") if arguments[1] is Any else Type("map", item=_type_of(arguments[1]))
    if dataclasses.is_dataclass(hint):
        return Type("struct", struct=cast(type, hint))
    return Type(cast(Kind, {bool: "bool", int: "int", str: "str"}[hint]))


def parse(spec: type[S], data: Mapping[str, Any], path: str = "") -> S:
    """Build a spec from plain data; ``path`` is the place of ``data`` in the declaration, for errors.

    None means "not set". Raises MeshError ``invalid_option`` with the path of the option.
    """
    values: dict[str, Any] = {}
    for error in _read(spec, data, path, values):
        raise error
    return spec(**values)


def problems(spec: Any, data: Mapping[str, Any], *, unknown: Iterable[str] = ()) -> Iterator[MeshError]:
    """Everything that is wrong with an option or another, where :func:`parse` raises the first. Options in ``unknown``
    are given, but what they will be is not known yet."""
    given = frozenset(unknown)
    return (error for error in _read(spec, data, "", {}) if error.where not in given)


def _read(spec: Any, data: Mapping[str, Any], path: str, values: dict[str, Any]) -> Iterator[MeshError]:
    """Fills ``values`` with what is right, and yields what is wrong."""
    known = {name: field for field in fields(spec) for name in (field.name, *field.option.aliases)}
    for key, value in data.items():
        if key not in known:
            yield unknown_option(key, path, [field.name for field in fields(spec)])
        elif value is not None:
            try:
                values[known[key].name] = _parsed(known[key], value, _join(path, key))
            except MeshError as error:
                yield error
    given = {known[key].name for key, value in data.items() if key in known and value is not None}
    for field in fields(spec):
        if field.required and field.name not in given:
            yield MeshError("invalid_option", "is required", where=_join(path, field.name))


def _parsed(field: Field, value: Any, where: str) -> Any:
    value = _converted(field.type, value, where)
    problem = field.option.check(value) if field.option.check else None
    if problem:
        # Of a filled list or map the check names what is wrong itself.
        named = field.option.secret or (isinstance(value, (list, dict)) and value)
        shown = "" if named else f", not {quoted(value)}"
        raise MeshError("invalid_option", f"{problem}{shown}", where=where)
    return value


def secrets_of(spec: Any) -> Iterator[str]:
    """What is secret of a declaration: options marked so, Secrets among objects, and free values by their names."""
    kind: Any = type(spec)
    for field in fields(kind):
        value = getattr(spec, field.name)
        if field.option.secret:
            yield from leaves(value)
        elif field.type.kind == "struct" and value is not None:
            yield from secrets_of(value)
        elif field.type.kind == "object":
            yield from of_values(value)
        elif field.type.item and field.type.item.kind == "object":
            for item in value or ():
                # Other objects are as public as the cluster shows them.
                yield from of_object(item) if "kind" in item else of_values(item)
        elif field.type.item and field.type.item.kind == "struct":
            for item in value or ():
                yield from secrets_of(item)


def _converted(wanted: Type, value: Any, where: str) -> Any:
    match wanted.kind, value:
        case "bool", bool():
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "int", float() if value.is_integer():  # Pulumi sends every number as a float
            return int(value)
        case "str", str():
            return value
        case "enum", str():
            return chosen(value, wanted.choices, where)
        case "list", list() | tuple() if wanted.item:
            return [_converted(wanted.item, item, f"{where}[{i}]") for i, item in enumerate(value)]
        case "map", Mapping() if wanted.item:
            return {str(key): _converted(wanted.item, item, f"{where}.{key}") for key, item in value.items()}
        case "object", Mapping():
            return dict(value)
        case "struct", Mapping() if wanted.struct:
            return parse(wanted.struct, value, where)
    # The value itself is not repeated: it may be a secret that was put into the wrong option.
    quote = "; quote it" if wanted.kind == "str" and isinstance(value, (int, float)) else ""
    raise MeshError("invalid_option", f"must be {_NAMES[wanted.kind]}, not {name_of(value)}{quote}", where=where)


_NAMES: dict[str, str] = {
    "bool": "true or false",
    "int": "a whole number",
    "str": "a string",
    "enum": "a string",
    "list": "a list",
    "map": "a map",
    "object": "a map",
    "struct": "a map",
}


def name_of(value: Any) -> str:
    """The type of a value as people call it."""
    if value is None:
        return "nothing"
    table = ((bool, "a boolean"), ((int, float), "a number"), (str, "a string"), (Mapping, "a map"), (list, "a list"))
    return next((name for kinds, name in table if isinstance(value, kinds)), type(value).__name__)


def chosen(value: str, choices: Sequence[str], where: str) -> str:
    """The value, when it is one of the choices; else the error with the nearest one."""
    if value in choices:
        return value
    # Strictly: released and rendered are both meant when they are said.
    close = difflib.get_close_matches(value, choices, 1, 0.8)
    hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(choices)}"
    raise MeshError("invalid_option", f"has no choice {quoted(value)}", where=where, hint=hint)


def unknown_option(key: str, path: str, names: list[str]) -> MeshError:
    """The error for a key that no option has, with the nearest name."""
    close = difflib.get_close_matches(str(key), names, 1)
    hint = f"did you mean {close[0]}?" if close else f"options: {', '.join(names)}"
    return MeshError("invalid_option", "is not an option", where=_join(path, key), hint=hint)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
