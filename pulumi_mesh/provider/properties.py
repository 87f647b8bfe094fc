# SPDX-License-Identifier: Apache-2.0
"""Property maps of the wire contract as plain data, and back.

The contract carries maps as google.protobuf.Struct, in which a map with a signature stands for what JSON lacks, and
certain strings stand for values that are not known yet (sdk/go/common/resource/properties.go, plugin/rpc.go in Pulumi).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

#: A resource's inputs or state.
Properties = dict[str, Any]

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
#: Unknown booleans, numbers, arrays, assets, archives and objects have strings of their own.
_UNKNOWNS: Final = frozenset(
    {
        _UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


class Unknown:
    """A value that another resource has yet to produce."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts and never shows."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


def decode(properties: Struct) -> dict[str, Any]:
    """A property map as plain data with :class:`Secret` and ``UNKNOWN`` in it; whole numbers are integers."""
    return {key: _decoded(value) for key, value in properties.fields.items()}


def _decoded(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decoded(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decoded_map(value.struct_value)
    return None


def _decoded_map(properties: Struct) -> Any:
    fields = properties.fields
    signature = fields[_SIGNATURE].string_value if _SIGNATURE in fields else ""
    if signature == _SECRET:
        return Secret(_decoded(fields["value"]))
    if signature == _OUTPUT:
        value = _decoded(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(value) if "secret" in fields and fields["secret"].bool_value else value
    if signature:
        raise ValueError("an asset, archive or resource stands where data is expected")
    return decode(properties)


def encode(properties: Mapping[str, Any]) -> Struct:
    """Plain data as a property map."""
    return Struct(fields={key: _encoded(value) for key, value in properties.items()})


def _encoded(value: Any) -> Value:
    match value:
        case None:
            return Value(null_value=NULL_VALUE)
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case Unknown():
            return Value(string_value=_UNKNOWN)
        case Secret():
            return Value(struct_value=encode({_SIGNATURE: _SECRET, "value": value.value}))
        case Mapping():
            return Value(struct_value=encode(value))
        case Sequence():
            return Value(list_value=ListValue(values=[_encoded(item) for item in value]))
    return Value(string_value=str(value))


def plain(value: Any) -> Any:
    """The same data with secrets as they are."""
    match value:
        case Secret():
            return plain(value.value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


def known(value: Any) -> bool:
    """Whether nothing in it is unknown."""
    match value:
        case Unknown():
            return False
        case Secret():
            return known(value.value)
        case Mapping():
            return all(known(item) for item in value.values())
        case list():
            return all(known(item) for item in value)
    return True


def secret_places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in a value the secrets are."""
    match value:
        case Secret():
            yield place
        case Mapping():
            for key, item in value.items():
                yield from secret_places(item, (*place, key))
        case list():
            for index, item in enumerate(value):
                yield from secret_places(item, (*place, index))


def secret_texts(value: Any, inside: bool = False) -> Iterator[str]:
    """Every text within a secret, and every number as text."""
    match value:
        case Secret():
            yield from secret_texts(value.value, True)
        case Mapping():
            for item in value.values():
                yield from secret_texts(item, inside)
        case list():
            for item in value:
                yield from secret_texts(item, inside)
        case bool() | None:
            return
        case str() | int() | float() if inside:
            yield str(value)
