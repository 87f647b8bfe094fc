# SPDX-License-Identifier: Apache-2.0
"""A private directory for what is costly to make again: pulled charts and rendered objects."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def directory(*parts: str) -> Path:
    """``$XDG_CACHE_HOME/meshops/<parts>``, for the owner alone. It is not there where it cannot be made: then nothing
    is kept."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "meshops"
    path = root.joinpath(*parts)
    with contextlib.suppress(OSError):
        path.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
    return path


def key(*parts: Any) -> str:
    """A file name for anything that can be written as JSON."""
    return hashlib.sha256(json.dumps(_with_text_keys(parts), sort_keys=True, default=str).encode()).hexdigest()


def _with_text_keys(value: Any) -> Any:
    """YAML has keys that are numbers or booleans, which do not sort among texts."""
    if isinstance(value, dict):
        return {str(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, (list, tuple)) else value


def read(path: Path) -> Any:
    """The stored value, or None when there is none that can be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def write(path: Path, value: Any) -> None:
    """Store atomically; a full or read-only disk, or a value that is not JSON (a date), only costs the cache."""
    with contextlib.suppress(OSError, TypeError):
        text = json.dumps(value)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, path)
