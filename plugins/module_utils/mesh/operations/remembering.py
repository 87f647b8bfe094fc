# SPDX-License-Identifier: Apache-2.0
"""A reader that asks each thing once: for many questions about one moment of a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.objects import Object
from ..model.operation import Reader


class Remembering:
    """A :class:`Reader` over another one; what it has read it does not read again."""

    def __init__(self, cluster: Reader) -> None:
        self._cluster = cluster
        self.name = cluster.name
        self._objects: dict[tuple[str, ...], Object | None] = {}
        self._lists: dict[tuple[str, ...], Sequence[Object]] = {}

    @property
    def server_version(self) -> str:
        """The cluster's."""
        return self._cluster.server_version

    @property
    def api_versions(self) -> frozenset[str]:
        """The cluster's."""
        return self._cluster.api_versions

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        key = (api_version, kind, namespace, name)
        if key not in self._objects:
            self._objects[key] = self._cluster.get(*key)
        return self._objects[key]

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> Sequence[Object]:
        """All objects of a kind, by label selector."""
        key = (api_version, kind, namespace, selector)
        if key not in self._lists:
            self._lists[key] = self._cluster.list(*key)
        return self._lists[key]
