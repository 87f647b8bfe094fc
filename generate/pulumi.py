# SPDX-License-Identifier: Apache-2.0
"""The typed Python SDK of the Pulumi provider: a class per declarative operation, a function per query."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from mesh.model.operation import AnyOperation, Declarative, Query
from mesh.model.options import RunOptions
from mesh.model.spec import Field, Type, fields

from pulumi_mesh.provider.configuration import OPTIONS
from pulumi_mesh.provider.naming import camel, constant, function, markdown, pascal
from pulumi_mesh.provider.schema import beside, schema

from .note import NOTE

_SCALARS = {"bool": "bool", "int": "int", "str": "str"}
_WIDTH = 116

_HEAD = f'''# SPDX-License-Identifier: Apache-2.0
# {NOTE}
"""Resources and functions of the provider `mesh`, with types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypedDict, Unpack

import pulumi

from ._core.model.options import RunOptions
'''


def files(operations: dict[str, AnyOperation]) -> dict[str, str]:
    """Path -> text."""
    return {"pulumi_mesh/resources.py": "\n".join(_lines(operations)) + "\n"}


def _lines(operations: dict[str, AnyOperation]) -> Iterator[str]:
    declared = {name: item for name, item in operations.items() if is_resource(item)}
    asked = {name: item for name, item in operations.items() if isinstance(item, Query) and not item.kept}
    specs = [item.spec for item in operations.values()]
    modules = sorted((spec.__module__.rpartition(".")[2], spec.__name__) for spec in specs)
    yield _HEAD.rstrip()
    yield from (f"from ._core.model.specs.{module} import {name}" for module, name in modules)
    yield "from ._resource import MeshProvider, MeshResource, asked"
    yield "from .provider.renewal import Renewal"
    yield from ("", _all(operations))
    yield from _enums()
    structs: dict[str, Any] = {}
    for operation in operations.values():
        _collect(fields(operation.spec), structs)
    for name, struct in structs.items():
        yield from _arguments(name, _first_line(struct), fields(struct), f"{name}Dict")
    for name, operation in declared.items():
        own = (*fields(operation.spec), *fields(beside(kept=isinstance(operation, Query))[0]))
        yield from _arguments(pascal(name), _first_line(operation.spec), own, f"{pascal(name)}ArgsDict")
        yield from _resource(name, operation, own)
    yield from _provider()
    known: set[str] = set()  # two functions may return the same
    for name, query in asked.items():
        returned: dict[str, Any] = {}
        _collect(fields(query.returns), returned)
        for struct in (item for key, item in returned.items() if key not in known):
            yield from _results(struct.__name__, struct)
        known |= returned.keys()
        yield from _results(f"{pascal(_python(name))}Result", query.returns)
        yield from _function(name, query)


def _all(operations: dict[str, AnyOperation]) -> str:
    """The names that are meant for users."""
    names = ["Provider", "ProviderArgsDict"]
    structs: dict[str, Any] = {}
    for name, operation in operations.items():
        _collect(fields(operation.spec), structs)
        if is_resource(operation):
            names += [pascal(name), f"{pascal(name)}Args", f"{pascal(name)}ArgsDict"]
        else:
            names += [_python(name), f"{pascal(_python(name))}ArgsDict", f"{pascal(_python(name))}Result"]
    names += [token.rpartition(":")[2] for token, wanted in schema()["types"].items() if "enum" in wanted]
    names += [f"{name}{form}" for name in structs for form in ("Args", "Dict")]
    return f"__all__ = {json.dumps(sorted(names), indent=4)}".replace('"\n]', '",\n]')


def _python(name: str) -> str:
    """How a query's function is called in Python."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in function(name))


def _collect(own: Iterable[Field], structs: dict[str, Any]) -> None:
    """Structs by their names, inner ones first."""
    for field in own:
        struct = field.type.struct or (field.type.item.struct if field.type.item else None)
        if struct is not None:
            _collect(fields(struct), structs)
            structs[struct.__name__] = struct


def _enums() -> Iterator[str]:
    """Choices as constants, by the names that `pulumi import` and converters print."""
    for token, wanted in schema()["types"].items():
        if "enum" in wanted:
            yield from ("", "", f"class {token.rpartition(':')[2]}(StrEnum):", *_docstring("Choices.", 4), "")
            yield from (f"    {constant(item['value'])} = {json.dumps(item['value'])}" for item in wanted["enum"])


def _arguments(name: str, title: str, own: Iterable[Field], as_dict: str) -> Iterator[str]:
    """The same arguments as a map and as an object."""
    run_names = {field.name for field in fields(RunOptions)}
    ordered = sorted(own, key=lambda field: not field.required)
    yield from ("", "", f"class {as_dict}(TypedDict, total=False):", *_docstring(title, 4), "")
    for field in ordered:
        yield f"    {field.name}: {_input(field, '' if field.name in run_names else name)}"
        yield from _docstring(_documented(field), 4)
    yield from ("", "", "@dataclass(kw_only=True)", f"class {name}Args:", *_docstring(title, 4), "")
    for field in ordered:
        default = "" if field.required else " = None"
        yield f"    {field.name}: {_input(field, '' if field.name in run_names else name)}{default}"
        yield from _docstring(_documented(field), 4)


def is_resource(operation: AnyOperation) -> bool:
    """Whether something is there afterwards, in the cluster or in the state."""
    return isinstance(operation, Declarative) or operation.kept


def _resource(name: str, operation: AnyOperation, own: Iterable[Field]) -> Iterator[str]:
    kind, spec, (more, derived) = pascal(name), operation.spec.__name__, beside(kept=isinstance(operation, Query))
    results = [field.name for field in fields(operation.returns)]
    yield from ("", "", f"class {kind}(MeshResource):", *_docstring(_first_line(operation.spec), 4), "")
    yield from (
        "    def __init__(",
        "        self,",
        "        resource_name: str,",
        f"        args: {kind}Args | {kind}ArgsDict | pulumi.ResourceOptions | None = None,",
        "        opts: pulumi.ResourceOptions | None = None,",
        f"        **arguments: Unpack[{kind}ArgsDict],",
        "    ) -> None:",
        '        """Arguments come in one piece or one by one."""',
        f"        results = {(*results, *derived)!r}".replace("'", '"'),
        f'        token, specs = "mesh:index:{kind}", ({spec}, {more.__name__})',
        "        super().__init__(token, resource_name, specs, results, (args, opts, arguments))",
    )
    for field in own:
        if field.name not in results:
            yield from _output(field.name, _plain(field.type), _documented(field))
    for field in fields(operation.returns):
        yield from _output(field.name, _plain(field.type), _documented(field))
    for key, told in derived.items():
        kind = "str" if told.get("type") == "string" else "Mapping[str, Any]"
        yield from _output(key, kind, told["description"])


def _output(name: str, kind: str, doc: str) -> Iterator[str]:
    yield from ("", "    @property", f'    @pulumi.getter(name="{camel(name)}")')
    yield f"    def {name}(self) -> pulumi.Output[{kind}]:"
    yield from _docstring(doc, 8)
    yield f'        value: pulumi.Output[{kind}] = pulumi.get(self, "{camel(name)}")'
    yield "        return value"


def _provider() -> Iterator[str]:
    types = {"string": "str", "boolean": "bool", "array": "Sequence[str]"}
    yield from ("", "", "class ProviderArgsDict(TypedDict, total=False):")
    yield from (*_docstring("How to reach a cluster.", 4), "")
    for name, option in OPTIONS.items():
        kind = "str | Mapping[str, Any]" if name == "kubeconfig" else types[option.type]
        yield f"    {name}: pulumi.Input[{kind}] | None"
        yield from _docstring(option.doc, 4)
    yield from (
        "",
        "",
        "class Provider(MeshProvider):",
        *_docstring("A cluster; resources name it with `ResourceOptions(provider=...)`.", 4),
        "",
        "    def __init__(",
        "        self,",
        "        resource_name: str,",
        "        opts: pulumi.ResourceOptions | None = None,",
        "        **arguments: Unpack[ProviderArgsDict],",
        "    ) -> None:",
        "        super().__init__(resource_name, arguments, opts)",
    )


def _results(name: str, spec: Any) -> Iterator[str]:
    """What comes back, as a map."""
    yield from ("", "", f"class {name}(TypedDict):", *_docstring(_first_line(spec), 4), "")
    for field in fields(spec):
        unset = "" if field.required or field.default is not None else " | None"
        yield f"    {field.name}: {_typed(field.type)}{unset}"
        yield from _docstring(_documented(field), 4)


def _typed(wanted: Type) -> str:
    """As it comes back, structs by their names."""
    if wanted.kind == "list" and wanted.item:
        return f"Sequence[{_typed(wanted.item)}]"
    return wanted.struct.__name__ if wanted.struct else _plain(wanted)


def _function(name: str, query: Query[Any]) -> Iterator[str]:
    python = _python(name)
    kind = f"{pascal(python)}ArgsDict"
    yield from ("", "", f"class {kind}(TypedDict, total=False):", *_docstring(_first_line(query.spec), 4), "")
    for field in fields(query.spec):
        yield f"    {field.name}: {_input(field, pascal(python))}"
        yield from _docstring(_documented(field), 4)
    yield from (
        "",
        "",
        f"def {python}(",
        f"    opts: pulumi.InvokeOptions | pulumi.InvokeOutputOptions | None = None, **arguments: Unpack[{kind}]",
        f") -> pulumi.Output[{pascal(python)}Result]:",
        *_docstring(_first_line(query.spec), 4),
        f"    answer: pulumi.Output[{pascal(python)}Result]",
        f'    answer = asked("mesh:index:{function(name)}", {query.spec.__name__}, arguments, opts)',
        "    return answer",
    )


def _documented(field: Field) -> str:
    doc = markdown(field.option.doc)
    plain = field.type.kind in ("bool", "int", "str", "enum") and not field.required and field.default is not None
    return f"{doc} Default: `{field.default}`." if plain else doc


def _docstring(text: str, indent: int) -> Iterator[str]:
    space = " " * indent
    lines = textwrap.wrap(text, _WIDTH - indent, break_long_words=False) or [""]
    if len(lines) == 1 and len(lines[0]) <= _WIDTH - indent - 3:
        yield f'{space}"""{lines[0]}"""'
        return
    yield f'{space}"""{lines[0]}'
    yield from (space + line for line in lines[1:])
    yield f'{space}"""'


def _input(field: Field, owner: str) -> str:
    kind = f"pulumi.Input[{_argument(field.type, owner + pascal(field.name))}]"
    return kind if field.required else f"{kind} | None"


def _argument(wanted: Type, enum: str) -> str:
    """As it is given: structs as objects or maps, choices as words or constants."""
    match wanted.kind:
        case "enum":
            return f"Literal[{', '.join(map(json.dumps, wanted.choices))}] | {enum}"
        case "list" if wanted.item:
            return f"Sequence[pulumi.Input[{_argument(wanted.item, enum)}]]"
        case "map" if wanted.item:
            return f"Mapping[str, pulumi.Input[{_argument(wanted.item, enum)}]]"
        case "struct" if wanted.struct:
            return f"{wanted.struct.__name__}Args | {wanted.struct.__name__}Dict"
        case "object":
            return "Mapping[str, Any]"
    return _SCALARS[wanted.kind]


def _plain(wanted: Type) -> str:
    """As it comes back."""
    match wanted.kind:
        case "enum":
            return "str"
        case "list" if wanted.item:
            return f"Sequence[{_plain(wanted.item)}]"
        case "map" if wanted.item:
            return f"Mapping[str, {_plain(wanted.item)}]"
        case "struct" | "object":
            return "Mapping[str, Any]"
    return _SCALARS[wanted.kind]


def _first_line(spec: Any) -> str:
    return (spec.__doc__ or "").strip().splitlines()[0]
