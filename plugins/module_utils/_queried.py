# SPDX-License-Identifier: Apache-2.0
"""JMESPath expressions over results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .mesh.model.errors import MeshError

try:
    import jmespath
except ImportError:  # only who asks needs it
    jmespath = None  # type: ignore[assignment]


class Question:
    """An expression, compiled before anything else happens: one that cannot be is no reason to stop half-way."""

    def __init__(self, expression: str | None) -> None:
        """Raise MeshError ``invalid_option`` for what is no expression."""
        self._compiled: Any = None
        if expression is None:
            return
        if jmespath is None:
            hint = "install jmespath for Ansible's Python"
            raise MeshError("invalid_option", "needs the Python package jmespath", where="query", hint=hint)
        try:
            self._compiled = jmespath.compile(expression)
        except jmespath.exceptions.JMESPathError as error:
            text = " ".join(str(error).split())
            raise MeshError("invalid_option", f"is no JMESPath expression: {text}", where="query") from None

    def answered(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """``{queried}`` with what it finds, or nothing where nothing was asked."""
        if self._compiled is None:
            return {}
        try:
            return {"queried": self._compiled.search(dict(result))}
        except jmespath.exceptions.JMESPathError as error:
            # A function on the wrong type: what was done is done, and the task must tell of it.
            return {"queried": None, "warnings": [f"query: {' '.join(str(error).split())}"]}
