# SPDX-License-Identifier: Apache-2.0
"""What the arguments of a task declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .mesh.model.errors import MeshError
from .mesh.model.operation import AnyOperation, Nothing
from .mesh.model.spec import fields, name_of, parse
from .mesh.operations.vm_bootstrap import of_hosts

HOSTS = "hosts"


def given(arguments: Mapping[str, Any], spec: type) -> dict[str, Any]:
    """The arguments that a spec knows and somebody gave."""
    return {field.name: arguments[field.name] for field in fields(spec) if arguments.get(field.name) is not None}


def declared(operation: AnyOperation, arguments: Mapping[str, Any]) -> tuple[AnyOperation, Any]:
    """The operation and its spec; for many hosts what asks for all of them. Raises MeshError ``invalid_option``."""
    if arguments.get(HOSTS) is None or HOSTS in operation.spec.__dataclass_fields__:
        return operation, parse(operation.spec, given(arguments, operation.spec))
    of_all = given(arguments, operation.spec)
    specs = {}
    for index, item in enumerate(arguments[HOSTS]):
        place = f"{HOSTS}[{index}]"
        if not isinstance(item, Mapping):
            raise MeshError("invalid_option", f"must be a map, not {name_of(item)}", where=place)
        own = {key: value for key, value in item.items() if key != "host"}
        name = str(item.get("host") or "")
        if not name or name in specs:
            text = f"is the name of another host, too: {name}" if name else "is required"
            raise MeshError("invalid_option", text, where=f"{place}.host")
        try:
            specs[name] = parse(operation.spec, {**of_all, **own})
        except MeshError as error:
            raise error.at(name) from None
    return of_hosts(specs), Nothing()
