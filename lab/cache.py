# SPDX-License-Identifier: Apache-2.0
"""Build results keyed by a digest of their inputs: made once, atomically, by one process at a time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import paths

_KEY_LENGTH = 16
_KEEP_UNUSED_SECONDS = 2 * 24 * 3600


def key(*parts: str | bytes | Path) -> str:
    """A digest over texts and the contents of files; each part is delimited, so parts cannot run together."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:_KEY_LENGTH]


@contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file for the length of the block."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def directory(kind: str, name: str, digest: str, build: Callable[[Path], None]) -> Path:
    """The cached directory of that key; when missing, `build` fills a temporary one that is then renamed."""
    parent = paths.cache() / kind
    wanted = parent / f"{name}-{digest}"
    if wanted.is_dir():
        os.utime(wanted)
        return wanted
    with locked(parent / f".{name}.lock"):
        if wanted.is_dir():
            return wanted
        _remove(parent.glob(f".{name}-*.tmp"))
        temporary = Path(tempfile.mkdtemp(prefix=f".{name}-", suffix=".tmp", dir=parent))
        temporary.chmod(0o755)
        try:
            build(temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        os.rename(temporary, wanted)
        _remove(old for old in parent.glob(f"{name}-*") if _is_unused(old, name))
    return wanted


def _is_unused(candidate: Path, name: str) -> bool:
    """Made for the same name, and not wanted by any checkout for a while."""
    same_name = len(candidate.name) == len(name) + 1 + _KEY_LENGTH
    return same_name and time.time() - candidate.stat().st_mtime > _KEEP_UNUSED_SECONDS


def _remove(directories: Iterable[Path]) -> None:
    for path in directories:
        shutil.rmtree(path, ignore_errors=True)
