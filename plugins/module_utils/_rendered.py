# SPDX-License-Identifier: Apache-2.0
"""A declaration as a directory of manifests: what is to be written, against what is there."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .mesh.apply.narration import named
from .mesh.model.errors import MeshError
from .mesh.model.objects import ObjectSet
from .mesh.model.secrets import Secrets
from .mesh.model.spec import secrets_of
from .mesh.operations.rendering import Unseen, rendered
from .mesh.render.directory import INDEX, directory, images, listed, refuse_secrets, secrets

_VERSION = re.compile(r"v?(1\.\d+(\.\d+)?)")
_SIGNS = {"create": "+", "update": "~", "delete": "-"}


@dataclass(frozen=True)
class FileChange:
    """One file that differs; texts are None where there is no file."""

    path: str
    before: str | None
    after: str | None

    @property
    def action(self) -> str:
        """``create``, ``update`` or ``delete``."""
        return "create" if self.before is None else "delete" if self.after is None else "update"


def write_rendered(
    name: str, spec: Any, arguments: Mapping[str, Any], *, check: bool, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Write the directory, or in check mode only look; ``{changed, files, images, secrets, ..., diff}``.

    Raises MeshError.
    """
    hidden = Secrets()
    hidden.learn(secrets_of(spec))
    try:
        sets, warnings = rendered(name, spec, Unseen(_version(arguments.get("kubernetes_version"))))
        refuse_secrets(sets, hidden.hide)
        root = _root(arguments.get("dest"))
        files = {f"{_place(item)}/{path}": text for item in sets for path, text in directory(item).items()}
        changes = [*_changes(root, files), *_leaving(root, sets, files)]
        if not check:
            _carry_out(root, changes)
    except MeshError as error:
        raise error.without(hidden.hide) from None
    except OSError as error:
        raise MeshError("invalid_option", str(error.strerror), where=f"dest: {error.filename}") from error
    for line in _told(changes, len(files), check):
        tell(line)
    left = secrets(sets)
    missing = [f"Secret {item['namespace']}/{item['name']} is not written; bring it by other means" for item in left]
    return {
        "changed": bool(changes),
        "objects": [],
        "unchanged": len(files) - sum(change.after is not None for change in changes),
        "ready": True,
        "files": sorted(files),
        "images": images(sets),
        "secrets": left,
        "warnings": [*warnings, *missing],
        "diff": [
            {
                "before_header": change.path,
                "after_header": f"{change.path} ({change.action})",
                "before": change.before or "",
                "after": change.after or "",
            }
            for change in changes
        ],
    }


def _version(given: Any) -> str:
    found = _VERSION.fullmatch(str(given))
    if not found:
        raise MeshError("invalid_option", "must be a version of Kubernetes such as 1.36.0", where="kubernetes_version")
    return found[1]


def _root(dest: Any) -> Path:
    if not dest:
        raise MeshError("invalid_option", "is required for state rendered", where="dest")
    return Path(str(dest)).expanduser()


def _place(item: ObjectSet) -> str:
    """Sets of one name may be in several namespaces."""
    return f"{item.namespace}/{item.id}" if item.namespace else item.id


def _changes(root: Path, files: Mapping[str, str]) -> Iterator[FileChange]:
    for path, text in files.items():
        before = _read(root / path)
        if before != text:
            yield FileChange(path, before, text)


def _leaving(root: Path, sets: list[ObjectSet], files: Mapping[str, str]) -> Iterator[FileChange]:
    """Files that an earlier rendering wrote and this one does not."""
    for place in map(_place, sets):
        try:
            names = listed(_read(root / place / INDEX) or "")
        except MeshError as error:
            raise error.at(f"dest: {root / place}") from None
        for name in names:
            path = f"{place}/{name}"
            before = _read(root / path) if path not in files and "/" not in name else None
            if before is not None:
                yield FileChange(path, before, None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise MeshError("invalid_option", "is no text", where=f"dest: {path}", hint="delete it") from None


def _carry_out(root: Path, changes: list[FileChange]) -> None:
    """New files, then the index, then removals: what it lists is there at any moment."""
    for change in sorted(changes, key=lambda change: (change.after is None, change.path.endswith(f"/{INDEX}"))):
        path = root / change.path
        if change.after is None:
            path.unlink(missing_ok=True)
        else:
            _replace(path, change.after)


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


def _told(changes: list[FileChange], total: int, check: bool) -> Iterator[str]:
    """The plan in the words of every plan."""
    if not changes:
        yield f"no changes, {total} files as declared"
        return
    by_action = {action: [change.path for change in changes if change.action == action] for action in _SIGNS}
    counts = ", ".join(f"{len(paths)} {action}" for action, paths in by_action.items())
    yield f"{counts} of {total} files{' (check mode)' if check else ''}"
    for action, paths in by_action.items():
        yield from named(_SIGNS[action], sorted(paths))
