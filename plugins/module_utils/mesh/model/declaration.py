# SPDX-License-Identifier: Apache-2.0
"""A whole mesh in one map (``mesh.yaml``): clusters, and what each of them is to have, in the words of the operations.

``{clusters: {<name>: {context, kubeconfig, cluster_name, network, platform, <operation>: []}}, <operation>: []}``.
A list at the top is meant for every cluster; a cluster's own list of the same operation stands in its place. Items that
have ``objects`` may also have ``src``: paths of files with more of them, for whoever reads the file itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .errors import MeshError
from .operation import Declarative
from .options import Connection, RunOptions
from .spec import fields, name_of, parse, unknown_option

#: In the order in which they stand on each other.
ORDER = (
    "gateway_api",
    "control_plane",
    "revision_tag",
    "injection",
    "gateway",
    "waypoint",
    "workload_group",
    "network_service",
    "nsm_client",
    "config_set",
)

#: What a cluster says once, and which option of which operation means it.
_OF_A_CLUSTER: dict[str, tuple[tuple[str, str], ...]] = {
    "cluster_name": (("control_plane", "cluster_name"),),
    "network": (("control_plane", "network"),),
    "platform": (("control_plane", "platform"),),
}
_CONNECTION = ("kubeconfig", "context")
#: By this key Ansible's plugin `auto` finds the inventory plugin; it says nothing about the mesh.
_PLUGIN = "plugin"
#: The option that paths of files fill, and that which names them.
OBJECTS, SRC = "objects", "src"


class Item(NamedTuple):
    """One thing to bring about: the operation's name, its options, and its place in the file."""

    operation: str
    options: dict[str, Any]
    place: str


@dataclass(frozen=True)
class Member:
    """One cluster of the mesh."""

    name: str
    connection: Connection
    facts: Mapping[str, str]
    items: tuple[Item, ...]

    def of(self, operation: str) -> list[dict[str, Any]]:
        """The options of every item of one operation."""
        return [item.options for item in self.items if item.operation == operation]

    def having(self, items: Iterable[Item]) -> Member:
        """The same cluster with other items."""
        return replace(self, items=tuple(items))


def read(data: Any, operations: Mapping[str, Any]) -> list[Member]:
    """The clusters of a declaration, checked. Raises MeshError ``invalid_option`` with the place in the file."""
    if not isinstance(data, Mapping):
        raise MeshError("invalid_option", "a mesh is a map with the key clusters", where="mesh")
    for key in data:
        if key not in (_PLUGIN, "clusters", *ORDER):
            raise unknown_option(str(key), "", ["clusters", *ORDER])
    clusters = data.get("clusters")
    if not isinstance(clusters, Mapping) or not clusters:
        raise MeshError("invalid_option", "is required: a map of the mesh's clusters by name", where="clusters")
    for name in clusters:
        _refuse_no_text(name, f"clusters.{name}")
    return [_member(str(name), cluster or {}, data, operations) for name, cluster in clusters.items()]


def _refuse_no_text(value: Any, where: str) -> None:
    """YAML makes a boolean of ``no`` and a number of ``1.10``, of which the text is another one."""
    if value is None or isinstance(value, (bool, int, float)):
        raise MeshError("invalid_option", f"must be a string, not {name_of(value)}; quote it", where=where)


def _member(name: str, cluster: Any, data: Mapping[str, Any], operations: Mapping[str, Any]) -> Member:
    place = f"clusters.{name}"
    if not isinstance(cluster, Mapping):
        raise MeshError("invalid_option", "must be a map", where=place)
    for key in cluster:
        if key not in (*_CONNECTION, *_OF_A_CLUSTER, *ORDER):
            raise unknown_option(str(key), place, [*_CONNECTION, *_OF_A_CLUSTER, *ORDER])
    for key in (*_CONNECTION, *_OF_A_CLUSTER):
        if cluster.get(key) is not None:
            _refuse_no_text(cluster[key], f"{place}.{key}")
    facts = {key: str(cluster[key]) for key in _OF_A_CLUSTER if cluster.get(key) is not None}
    items = [item for operation in ORDER for item in _items(operation, name, cluster, data)]
    completed = tuple(item._replace(options={**_told(item.operation, facts), **item.options}) for item in items)
    for item in completed:
        _check(item, operations[item.operation])
    connection = Connection(**{key: cluster[key] for key in _CONNECTION if cluster.get(key) is not None})
    return Member(name, connection, facts, completed)


def _items(operation: str, name: str, cluster: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Item]:
    own = operation in cluster
    place = f"clusters.{name}.{operation}" if own else operation
    listed = (cluster if own else data).get(operation) or []
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise MeshError("invalid_option", "must be a list", where=place)
    for number, options in enumerate(listed):
        where = f"{place}[{number}]"
        if not isinstance(options, Mapping):
            raise MeshError("invalid_option", "must be a map of options", where=where)
        yield Item(operation, dict(options), where)


def _told(operation: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """Options that follow from what the cluster says of itself."""
    return {option: value for key, value in facts.items() for name, option in _OF_A_CLUSTER[key] if name == operation}


def _check(item: Item, operation: Declarative[Any, Any]) -> None:
    run_names = {field.name for field in fields(RunOptions)}
    own = {key: value for key, value in item.options.items() if key not in run_names}
    if takes_files(operation) and own.pop(SRC, None) is not None:
        paths_of(item)
    parse(operation.spec, own, item.place)
    parse(RunOptions, {key: value for key, value in item.options.items() if key in run_names}, item.place)


def takes_files(operation: Declarative[Any, Any]) -> bool:
    """Whether an operation's items may have ``src``."""
    return OBJECTS in operation.spec.__dataclass_fields__


def paths_of(item: Item) -> list[str]:
    """The paths that an item with ``src`` names, as they stand there. Raises MeshError ``invalid_option``."""
    given = item.options[SRC]
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, (list, tuple)) or not all(isinstance(path, str) for path in listed):
        raise MeshError("invalid_option", "must be a list of paths", where=f"{item.place}.{SRC}")
    return list(listed)
