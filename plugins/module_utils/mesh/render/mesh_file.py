# SPDX-License-Identifier: Apache-2.0
"""mesh.yaml, and the files that it names: every front reads the same."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..model.declaration import OBJECTS, SRC, Item, Member, paths_of, read
from ..model.errors import MeshError
from ..model.objects import Object
from ..model.options import Connection
from .manifests import documents
from .sources import files, objects_in, shown

_VAULT = "$ANSIBLE_VAULT;"


def read_file(path: str, operations: Mapping[str, Any]) -> list[Member]:
    """The clusters that a file declares. Raises MeshError with the place in the file."""
    data = load(path)
    try:
        return members(data, operations, os.path.dirname(path))
    except MeshError as error:
        raise error.at(shown(path)) from None


def load(path: str) -> Any:
    """What the file says. Raises MeshError with file and line."""
    name = shown(path)
    found = documents(text_of(path), name)
    if len(found) != 1:
        raise MeshError("invalid_option", f"must hold one document, not {len(found)}", where=name)
    try:
        json.dumps(found[0], default=str, skipkeys=True)
    except (RecursionError, ValueError):
        raise MeshError("invalid_option", "something in it holds itself, or is nested too deeply", where=name) from None
    return found[0]


def members(data: Any, operations: Mapping[str, Any], directory: str) -> list[Member]:
    """The clusters of a declaration, checked; its items name their files one by one, by absolute paths. Relative ones
    start in ``directory``. Raises MeshError ``invalid_option`` with the place in the declaration."""
    found = [member.having(_located(item, directory) for item in member.items) for member in read(data, operations)]
    return [replace(member, connection=_reached(member.connection, directory)) for member in found]


def _reached(connection: Connection, directory: str) -> Connection:
    """Paths of kubeconfigs start where the file is, as all others do."""
    if not isinstance(connection.kubeconfig, str):
        return connection
    here, paths = os.path.abspath(directory), connection.kubeconfig.split(os.pathsep)
    absolute = (os.path.join(here, os.path.expanduser(path)) for path in paths)
    return replace(connection, kubeconfig=os.pathsep.join(absolute))


def _located(item: Item, directory: str) -> Item:
    if item.options.get(SRC) is None:
        return item
    found = [name for path in paths_of(item) for name in _files(path, directory, f"{item.place}.{SRC}")]
    return item._replace(options={**item.options, SRC: found})


def _files(path: str, directory: str, where: str) -> list[str]:
    here, wanted = os.path.abspath(directory), os.path.expanduser(path)
    found = files(os.path.join(here, wanted)) or files(os.path.join(glob.escape(here), wanted))
    if not found:
        hint = f"looked in {here}"
        raise MeshError("invalid_option", f"no file matches {path}", where=where, hint=hint)
    return found


def with_objects(member: Member, objects_of: Callable[[str], list[Object]]) -> Member:
    """The cluster with what the files of its items hold among their objects, after those that they hold themselves."""
    return member.having(
        item._replace(options=_filled(item.options, objects_of)) if SRC in item.options else item
        for item in member.items
    )


def _filled(options: Mapping[str, Any], objects_of: Callable[[str], list[Object]]) -> dict[str, Any]:
    own = {key: value for key, value in options.items() if key != SRC}
    found = [obj for name in options[SRC] or () for obj in objects_of(name)]
    return {**own, OBJECTS: [*(own.get(OBJECTS) or ()), *found]} if options[SRC] is not None else own


def plain_objects(path: str) -> list[Object]:
    """The objects of a file, as it stands there. Raises MeshError with file and line."""
    return [obj for _place, obj in objects_in(path, text_of(path))]


def text_of(path: str) -> str:
    """The text of a file; raises MeshError for one that cannot be read, or only by Ansible."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise MeshError("invalid_option", str(error.strerror), where=shown(path)) from None
    except UnicodeDecodeError:
        raise MeshError("invalid_option", "is no text", where=shown(path)) from None
    if text.startswith(_VAULT):
        told = "is encrypted by Ansible Vault, and only tasks of Ansible read such files"
        raise MeshError("invalid_option", told, where=shown(path), hint="decrypt it, or let Ansible bring it about")
    return text
