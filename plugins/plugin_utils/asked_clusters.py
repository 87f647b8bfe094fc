# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters an inventory asks, and what they answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.meshops.mesh.plugins.module_utils._arguments import CONNECTION
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.kube.contexts import contexts
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.spec import unknown_option
from ansible_collections.meshops.mesh.plugins.plugin_utils.asking import ask

#: How many clusters are asked at the same time.
_AT_ONCE = 8
#: What is the matter with a cluster, and not with what was said of it.
PASSING = frozenset({"cluster_unreachable", "unauthorized", "forbidden", "unsupported", "api_error"})
_ONE = "cluster"

#: Options and their aliases -> option.
_NAMES = {alias: name for name, told in CONNECTION.items() for alias in (name, *told.get("aliases", ()))}
_FILES = ("kubeconfig", *(name for name, told in CONNECTION.items() if told["type"] == "path"))

Connections = dict[str, dict[str, Any]]


def connections(options: Mapping[str, Any], directory: str, warn: Callable[[str], None]) -> Connections:
    """Connection options by the names of clusters, of which each is there once; raises MeshError. Relative paths start
    at ``directory``. Types are looked at when a cluster is asked: Ansible itself takes any text for a bool."""
    common = _by_names(options)
    named = _named(options["clusters"]) if options["clusters"] else _of_contexts(options, common, directory, warn)
    found: Connections = {}
    for name, own in named:
        if name in found:
            raise MeshError("invalid_option", f"two clusters are named {name}", where="clusters")
        found[name] = _placed({**common, **own}, directory)
    return found


def _named(given: Sequence[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, item in enumerate(given):
        where = f"clusters[{number}]"
        if not isinstance(item, Mapping) or not isinstance(item.get("name"), str) or not item["name"]:
            raise MeshError("invalid_option", "must be a map with a name", where=where)
        for key in item:
            if key != "name" and key not in _NAMES:
                raise unknown_option(key, where, ["name", *CONNECTION])
        yield str(item["name"]), _by_names(item)


def _by_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Connection options, whatever they are called; those that are null were not given."""
    return {_NAMES[key]: value for key, value in given.items() if key in _NAMES and value is not None}


def _of_contexts(
    options: Mapping[str, Any], common: Mapping[str, Any], directory: str, warn: Callable[[str], None]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those whose contexts match; without patterns the one that connection options lead to."""
    patterns = options["contexts"]
    if not patterns:
        name = str(common.get("context") or os.environ.get("K8S_AUTH_CONTEXT") or _ONE)
        yield name, {}
        return
    path = _placed(common, directory).get("kubeconfig") or _default_path()
    if not isinstance(path, str):
        raise MeshError("invalid_option", "must be a path where contexts are chosen by patterns", where="kubeconfig")
    names = [context.name for context in contexts(path)]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            warn(f"no context matches {pattern}")
    for name in names:
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            yield name, {"kubeconfig": path, "context": name}


def _default_path() -> str:
    return os.environ.get("K8S_AUTH_KUBECONFIG") or os.environ.get("KUBECONFIG") or "~/.kube/config"


def _placed(connection: Mapping[str, Any], directory: str) -> dict[str, Any]:
    """With whole paths. A kubeconfig may be several, joined as in KUBECONFIG."""
    paths = {key: value for key, value in connection.items() if key in _FILES and isinstance(value, str) and value}
    return {**connection, **{key: _whole(value, directory) for key, value in paths.items()}}


def _whole(path: str, directory: str) -> str:
    parts = (os.path.expanduser(os.path.expandvars(part)) for part in path.split(os.pathsep) if part)
    return os.pathsep.join(os.path.join(directory, part) for part in parts)


def answers(
    clusters: Connections, namespaces: Sequence[str], failed: Callable[[MeshError], None]
) -> dict[str, dict[str, Any]]:
    """``{workloads, groups}`` by cluster, as the module workload_info tells them. What is the matter with a cluster is
    told to ``failed``, in their order; raises MeshError for what is wrong with a declaration."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = {name: pool.submit(_answer, name, how, namespaces) for name, how in clusters.items()}
    found = {}
    for name, told in asked.items():
        try:
            found[name] = told.result()
        except MeshError as error:
            if error.code not in PASSING:
                raise
            failed(error)
    return found


def _answer(name: str, connection: Mapping[str, Any], namespaces: Sequence[str]) -> dict[str, Any]:
    """One question per namespace: who may look into some need not be allowed to look into all."""
    scopes: list[dict[str, Any]] = [{"namespace": namespace} for namespace in namespaces] or [{}]
    told = [ask("workload_info", {**connection, **scope}, name) for scope in scopes]
    return {key: [item for answer in told for item in answer[key]] for key in ("workloads", "groups")}


__all__ = ["PASSING", "Connections", "answers", "connections"]
