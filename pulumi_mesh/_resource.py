# SPDX-License-Identifier: Apache-2.0
"""What the generated classes stand on: arguments in Python's spelling become properties in Pulumi's."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from ._core.model.spec import Type, fields
from ._version import VERSION
from .provider.naming import camel


class MeshResource(pulumi.CustomResource):
    """A resource whose arguments are the options of a spec."""

    def __init__(
        self,
        token: str,
        name: str,
        specs: Iterable[Any],
        results: Iterable[str],
        given: tuple[Any, Any, Mapping[str, Any]],
    ) -> None:
        """``given`` are the arguments in one piece, the resource options, and the arguments one by one."""
        args, opts, others = given
        if isinstance(args, pulumi.ResourceOptions):
            args, opts = None, args
        arguments = {**_as_map(args), **others}
        types = {field.name: field.type for spec in specs for field in fields(spec)}
        unknown = [key for key in arguments if key not in types]
        if unknown:
            raise TypeError(f"{type(self).__name__} {name} has no argument {', '.join(unknown)}")
        # Properties go by Pulumi's names: the SDK's translation of names would reach into free objects, too.
        properties = {camel(key): _properties(arguments.get(key), wanted) for key, wanted in types.items()}
        properties |= dict.fromkeys((camel(key) for key in results if key not in types), None)
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=VERSION), opts)
        super().__init__(token, name, properties, options)


def _as_map(args: Any) -> Mapping[str, Any]:
    if args is None:
        return {}
    if dataclasses.is_dataclass(args):
        return {field.name: getattr(args, field.name) for field in dataclasses.fields(args)}
    if isinstance(args, Mapping):
        return args
    raise TypeError(f"arguments are a map or an Args object, not {type(args).__name__}")


def _properties(value: Any, wanted: Type) -> Any:
    """Structs' keys in Pulumi's spelling; what is inside free objects stays as it is."""
    if value is None or wanted.kind not in ("struct", "list"):
        return value
    if isinstance(value, pulumi.Output):
        return value.apply(lambda known: _properties(known, wanted))
    if wanted.kind == "list":
        item = wanted.item
        return [_properties(one, item) for one in value] if item is not None else value
    types = {field.name: field.type for field in fields(wanted.struct)}
    return {
        camel(key) if key in types else key: _properties(one, types[key]) if key in types else one
        for key, one in _as_map(value).items()
        if one is not None
    }


class MeshProvider(pulumi.ProviderResource):
    """A provider with the configuration of one cluster."""

    def __init__(self, name: str, arguments: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        properties = {key: _as_text(value) for key, value in arguments.items() if value is not None}
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=VERSION), opts)
        super().__init__("mesh", name, properties, options)

    def translate_input_property(self, prop: str) -> str:
        """Pulumi's spelling."""
        return camel(prop)


def _as_text(value: Any) -> Any:
    """Configuration of providers travels as text: what is none becomes JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, pulumi.Output):
        return value.apply(_as_text)
    return pulumi.Output.json_dumps(value)


def asked(token: str, spec: Any, arguments: Mapping[str, Any], opts: Any) -> pulumi.Output[Any]:
    """The answer of a function, in Python's spelling on its first level."""
    types = {field.name: field.type for field in fields(spec)}
    unknown = [key for key in arguments if key not in types]
    if unknown:
        raise TypeError(f"{token} has no argument {', '.join(unknown)}")
    given = {camel(key): _properties(value, types[key]) for key, value in arguments.items() if value is not None}
    told = pulumi.runtime.invoke_output(token, given, opts or pulumi.InvokeOptions(version=VERSION))
    return told.apply(_known_answer)


def _known_answer(told: Any) -> Any:
    """In a preview, the engine answers with nothing while a provider's configuration is not known."""
    return told if told or not pulumi.runtime.is_dry_run() else _unknown()


def _unknown() -> pulumi.Output[Any]:
    resources, value, is_known = (asyncio.get_running_loop().create_future() for _ in range(3))
    resources.set_result(set())
    value.set_result(None)
    is_known.set_result(False)
    return pulumi.Output(resources, value, is_known)
