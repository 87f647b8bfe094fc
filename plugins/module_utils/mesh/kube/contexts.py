# SPDX-License-Identifier: Apache-2.0
"""What contexts a kubeconfig has. Of clusters and users there is nothing but their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..model.errors import MeshError
from .config import complaint, files_of, read_file
from .libraries import yaml

_HINT = "check kubeconfig, or the variable KUBECONFIG"


@dataclass(frozen=True)
class Context:
    """A context, and the names of what it points at."""

    name: str
    cluster: str
    user: str
    namespace: str


def contexts(path: str) -> list[Context]:
    """The contexts of a path that may be several, joined as in KUBECONFIG; raises MeshError ``cluster_config``. As
    kubectl has it, files that are not there are passed over, and of two contexts of one name the first counts."""
    files = [file for file in files_of(path) if os.path.exists(file)]
    if not files:
        raise MeshError("cluster_config", "there is no such kubeconfig file", where=path, hint=_HINT)
    found: dict[str, Context] = {}
    for file in files:
        for context in _named_in(file):
            found.setdefault(context.name, context)
    return list(found.values())


def _named_in(file: str) -> Iterator[Context]:
    try:
        entries = read_file(file).get("contexts") or []
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise MeshError("cluster_config", complaint(error), where=file, hint=_HINT) from None
    if not isinstance(entries, list):
        raise MeshError("cluster_config", "contexts must be a list", where=file, hint=_HINT)
    for number, entry in enumerate(entries):
        name, parts = _parts(entry)
        if not (isinstance(name, str) and name):
            raise MeshError("cluster_config", "has no name that is a text", where=f"{file}: contexts[{number}]")
        texts = [str(parts.get(key) or "") for key in ("cluster", "user", "namespace")]
        yield Context(name, *texts)


def _parts(entry: Any) -> tuple[Any, dict[str, Any]]:
    """The name of a context, and what it points at."""
    if not isinstance(entry, dict):
        return None, {}
    parts = entry.get("context")
    return entry.get("name"), parts if isinstance(parts, dict) else {}
