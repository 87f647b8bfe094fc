# SPDX-License-Identifier: Apache-2.0
"""What an operation wants on a cluster that nobody asks: for GitOps, and for who applies objects by other means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet
from ..model.operation import Declarative
from .registry import OPERATIONS


@dataclass
class Unseen:
    """A cluster of which only the version is known, and that is otherwise empty."""

    server_version: str
    api_versions: frozenset[str] = frozenset()
    name: str = "rendering"

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """Nothing is there."""
        return None

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> Sequence[Object]:
        """Nothing is there."""
        return ()


def rendered(name: str, spec: Any, cluster: Unseen) -> list[ObjectSet]:
    """The sets of an operation as it would apply them to that cluster. Raises MeshError."""
    operation = OPERATIONS.get(name)
    if not isinstance(operation, Declarative):
        raise MeshError("invalid_option", f"{name} has no objects", where="operation")
    return list(operation.wanted(spec, operation.observe(cluster, spec)))
