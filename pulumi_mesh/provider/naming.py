# SPDX-License-Identifier: Apache-2.0
"""Options are spelled ``wait_timeout`` in specs, ``waitTimeout`` in Pulumi; what is inside free objects is nobody's."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from .._core.model.spec import Type, fields


def camel(name: str) -> str:
    """``wait_timeout`` -> ``waitTimeout``."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


#: Queries whose name as a function is another one than the operation's.
_FUNCTIONS = {"mesh_info": "getMesh", "mesh_verify": "verifyMesh", "workload_info": "getWorkloads"}


def function(name: str) -> str:
    """The name of the function that an operation is: ``kubeInject``."""
    return _FUNCTIONS.get(name, camel(name))


def pascal(name: str) -> str:
    """``control_plane`` -> ``ControlPlane``."""
    return "".join(word.capitalize() for word in name.split("_"))


def options(properties: Mapping[str, Any], spec: Any) -> dict[str, Any]:
    """Properties with the names of the spec's options. What it does not know keeps its name, for the error."""
    known = {camel(field.name): field for field in fields(spec)}
    return {
        known[key].name if key in known else key: _inner(value, known[key].type) if key in known else value
        for key, value in properties.items()
    }


def _inner(value: Any, wanted: Type) -> Any:
    if wanted.kind == "struct" and isinstance(value, Mapping):
        return options(value, wanted.struct)
    if wanted.kind == "list" and wanted.item and isinstance(value, list):
        return [_inner(item, wanted.item) for item in value]
    return value


def properties(value: Any) -> Any:
    """What an option holds, the other way round: structs as maps of the properties that were said."""
    if isinstance(value, list):
        return [properties(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    said = {field.name: getattr(value, field.name) for field in fields(type(value))}
    defaults = {field.name: field.default for field in fields(type(value)) if not field.required}
    return {
        camel(name): properties(item) for name, item in said.items() if name not in defaults or item != defaults[name]
    }


def property_path(where: str, spec: Any) -> str:
    """``charts.plain_http`` -> ``charts.plainHttp``, as far as the spec knows the way."""
    head, separator, rest = where.partition(".")
    name, bracket, index = head.partition("[")
    field = next((item for item in fields(spec) if item.name == name), None)
    if field is None:
        return where
    wanted = field.type.item if bracket and field.type.item else field.type
    inner = property_path(rest, wanted.struct) if wanted.struct else rest
    return f"{camel(name)}{bracket}{index}{separator}{inner}"


_MARKUP = re.compile(r"\b([OVCRB])\(([^()]*(?:\([^()]*\)[^()]*)*)\)")


def markdown(text: str, spelled: Callable[[str], str] = camel) -> str:
    """Ansible's markup as Markdown: ``O(wait_timeout)`` names an option, ``V()`` and ``C()`` are values and code.
    Options are ``spelled`` as Pulumi does."""
    return _MARKUP.sub(lambda found: _code(found, spelled), text)


def plain_text(text: str) -> str:
    """Ansible's markup without any: names and values as they are written in YAML."""
    return _MARKUP.sub(lambda found: found[2], text)


def _code(found: re.Match[str], spelled: Callable[[str], str]) -> str:
    kind, inside = found.groups()
    if kind in "OR":
        name, equals, value = inside.partition("=")
        inside = f"{'.'.join(map(spelled, name.split('.')))}{equals}{value}"
    return f"**{inside}**" if kind == "B" else f"`{inside}`"


def constant(value: str) -> str:
    """``IfNotPresent`` -> ``IF_NOT_PRESENT``: the constant for a choice, as Pulumi's generators name it in Python."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", value).upper()
