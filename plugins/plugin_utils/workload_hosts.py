# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts outside Kubernetes as hosts of an inventory: their names, variables and groups. What clusters tell is data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible.plugins.inventory import to_safe_group_name
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model import checks

#: The group of all of them.
ALL = "mesh_workloads"
#: What Ansible takes for this machine without being told so.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
#: Signs with a meaning in patterns of hosts, such as those of --limit, are none of these.
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_HEALTH: Mapping[bool | None, str] = {True: "healthy", False: "unhealthy", None: "unknown"}


def variables(cluster: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """``mesh_workload``, and ``ansible_host`` where the entry tells an address that a connection can be made to (not a
    socket's path, nor anything that a program could take for one of its options)."""
    told = {"mesh_workload": {**item, "cluster": cluster}}
    reachable = not checks.address(item["address"])
    return {**told, "ansible_host": item["address"]} if reachable else told


def default_name(workload: Mapping[str, Any]) -> str:
    """The same as long as the entry is there, whatever others come and go."""
    return safe("-".join(workload[key] for key in ("cluster", "namespace", "name")))


def usable(name: Any) -> str:
    """A name that somebody's expression gave; nothing where it is none, or is that of this machine."""
    text = safe(name).strip("-.") if isinstance(name, str) else ""
    return "" if text in _HERE else text


def safe(name: str) -> str:
    """Without what patterns of hosts would not take for a part of a name."""
    return _UNSAFE.sub("-", name)


def groups(workload: Mapping[str, Any]) -> Iterator[str]:
    """The groups of a host."""
    yield ALL
    yield _named("cluster", workload["cluster"])
    if workload["group"]:
        yield group_of(f"{workload['namespace']}/{workload['group']}")
    if workload["network"]:
        yield _named("network", workload["network"])
    yield _HEALTH[workload["healthy"]]
    if workload["since"]:  # static entries are of hosts without an agent
        yield "connected" if workload["connected"] else "disconnected"


def group_of(placed: str) -> str:
    """The group for a WorkloadGroup (``namespace/name``)."""
    return _named("group", placed)


def _named(*parts: str) -> str:
    return str(to_safe_group_name("_".join(parts)))


def wanted(placed: str, names: Collection[str]) -> bool:
    """Whether a WorkloadGroup (``namespace/name``) is named, with its namespace or alone; any is where none is."""
    return not names or placed in names or placed.rpartition("/")[2] in names


def chosen(items: Sequence[Mapping[str, Any]], names: Collection[str]) -> list[Mapping[str, Any]]:
    """The hosts of these groups; static entries belong to none."""
    return [
        item for item in items if not names or (item["group"] and wanted(f"{item['namespace']}/{item['group']}", names))
    ]


__all__ = ["ALL", "chosen", "default_name", "group_of", "groups", "safe", "usable", "variables", "wanted"]
