# SPDX-License-Identifier: Apache-2.0
"""Objects from files: which ones a path means, and what is in them, each with its place."""

from __future__ import annotations

import glob
import os

from ..model.objects import Object
from .manifests import located

SUFFIXES = (".yaml", ".yml", ".json")


def files(path: str, suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """The files that a path, directory or pattern means, sorted; hidden ones are not meant."""
    if os.path.isfile(path):
        return [path]
    if os.path.isdir(path):
        return _below(path, suffixes)
    found = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []
    meant = (name for item in found for name in (_below(item, suffixes) if os.path.isdir(item) else [item]))
    return list(dict.fromkeys(meant))


def _below(directory: str, suffixes: tuple[str, ...]) -> list[str]:
    found = glob.glob(os.path.join(glob.escape(directory), "**", "*"), recursive=True)
    return sorted(name for name in found if name.endswith(suffixes) and os.path.isfile(name))


def objects_in(path: str, text: str) -> list[tuple[str, Object]]:
    """The objects of a file with the place of each, as ``file:line``; raises MeshError ``invalid_object`` with it."""
    return located(text, shown(path))


def shown(path: str) -> str:
    """A path as people find it from where they are."""
    near = os.path.relpath(path)
    return path if near.startswith("..") else near
