# SPDX-License-Identifier: Apache-2.0
"""The operations of RFC 6902 that admission webhooks answer with."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ..model.errors import MeshError


def patched(document: Any, operations: Iterable[Mapping[str, Any]]) -> Any:
    """A copy with all operations done, in order. Raises MeshError ``api_error`` for one that does not fit."""
    root = {"": copy.deepcopy(document)}
    for operation in operations:
        try:
            _do(root, str(operation["op"]), ["", *_steps(str(operation["path"]))], operation.get("value"))
        except (KeyError, IndexError, ValueError, TypeError):
            text = f"the patch does not fit: {operation.get('op')} {operation.get('path')}"
            raise MeshError("api_error", text, hint="look at what answers for the injection webhook") from None
    return root[""]


def _steps(pointer: str) -> list[str]:
    """The reference tokens of a JSON pointer (RFC 6901)."""
    if not pointer:
        return []
    if not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def _do(root: Any, action: str, steps: list[str], value: Any) -> None:
    parent = root
    for step in steps[:-1]:
        parent = parent[int(step)] if isinstance(parent, list) else parent[step]
    last = steps[-1]
    if isinstance(parent, list):
        _in_list(parent, action, len(parent) if last == "-" else int(last), value)
    elif action in ("add", "replace"):
        if action == "replace" and last not in parent:
            raise KeyError(last)
        parent[last] = copy.deepcopy(value)
    elif action == "remove":
        del parent[last]
    else:
        raise ValueError(action)


def _in_list(items: list[Any], action: str, index: int, value: Any) -> None:
    if not 0 <= index <= len(items) - (action != "add"):
        raise IndexError(index)
    match action:
        case "add":
            items.insert(index, copy.deepcopy(value))
        case "replace":
            items[index] = copy.deepcopy(value)
        case "remove":
            del items[index]
        case _:
            raise ValueError(action)
