# SPDX-License-Identifier: Apache-2.0
"""Whether a task's result is what its module documents as RETURN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Keys that Ansible itself puts into results.
ANSIBLES = frozenset(
    {"ansible_facts", "changed", "deprecations", "diff", "exception", "failed", "invocation", "msg", "warnings"}
)
#: What is returned only with one state of the declaration.
WITH_STATE = "success, with O(state={})"
_TYPES: Mapping[str, type] = {
    "raw": object,
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "list": list,
    "str": str,
}


def complaints(
    result: Mapping[str, Any], documented: Mapping[str, Mapping[str, Any]], state: str = "present"
) -> list[str]:
    """What of a task's result is missing, of another type, or not documented; each as one line."""
    ends = ("always", "failure") if result.get("failed") else ("always", "success", WITH_STATE.format(state))
    surplus = sorted(result.keys() - documented.keys() - ANSIBLES)
    return [
        *(f"{key} is not documented" for key in surplus),
        *_missing(result, documented, ends, ""),
        *_untrue(result, documented, ""),
    ]


def _missing(
    found: Mapping[str, Any], documented: Mapping[str, Mapping[str, Any]], ends: tuple[str, ...], where: str
) -> Iterator[str]:
    for key, told in documented.items():
        # What stands inside something and says no more is there whenever that is.
        if told.get("returned", ends[0]) in ends and key not in found:
            yield f"{where}{key} is missing"


def _untrue(found: Mapping[str, Any], documented: Mapping[str, Mapping[str, Any]], where: str) -> Iterator[str]:
    for key, told in documented.items():
        if key in found:
            yield from _value(found[key], told, f"{where}{key}")


def _value(value: Any, told: Mapping[str, Any], where: str) -> Iterator[str]:
    kind: Any = _TYPES[told["type"]]
    if kind is not object and type(value) is not kind:
        yield f"{where} is {type(value).__name__}, not {told['type']}"
        return
    if told["type"] == "list":
        for number, item in enumerate(value):
            yield from _value(item, {**told, "type": told["elements"], "elements": None}, f"{where}[{number}]")
    elif told["type"] == "dict" and "contains" in told:
        inner = told["contains"]
        yield from (f"{where}.{key} is not documented" for key in sorted(value.keys() - inner.keys()))
        yield from _missing(value, inner, ("always",), f"{where}.")
        yield from _untrue(value, inner, f"{where}.")
