# SPDX-License-Identifier: Apache-2.0
"""Opens directories one component after the other, so that nobody but root can lead a path elsewhere."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import Callable, Iterator

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 16


class Refused(Exception):
    """A path that must not be used, with the reason."""


#: Makes a directory that is missing: descriptor of its parent, name.
Maker = Callable[[int, str], None]


@contextmanager
def opened(path: str, make: Maker | None = None) -> Iterator[int]:
    """A descriptor of the directory at an absolute path. A symbolic link on the way is followed only where root (or who
    runs this) owns it. Raises FileNotFoundError, unless missing directories are to be made, and Refused."""
    if not path.startswith("/"):
        raise Refused(f"{path}: must be an absolute path")
    current = os.open("/", _DIRECTORY)
    try:
        left, links = _parts(path), 0
        while left:
            part = left.pop(0)
            target = _target(current, part)
            if target is None:
                current = _entered(current, part, path, make)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise Refused(f"{path}: too many symbolic links")
            left = _parts(target) + left
            if target.startswith("/"):
                os.close(current)
                current = os.open("/", _DIRECTORY)
        yield current
    finally:
        os.close(current)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _target(directory: int, name: str) -> str | None:
    """Where a link leads, None for what is no link."""
    try:
        found = os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(found.st_mode):
        return None
    if found.st_uid not in (0, os.geteuid()):
        raise Refused(f"{name} is a symbolic link that root does not own")
    return os.readlink(name, dir_fd=directory)


def _entered(directory: int, name: str, path: str, make: Maker | None) -> int:
    """The directory below, in whose place the one above is closed."""
    try:
        try:
            below = os.open(name, _DIRECTORY, dir_fd=directory)
        except FileNotFoundError:
            if make is None:
                raise
            make(directory, name)
            below = os.open(name, _DIRECTORY, dir_fd=directory)
    except OSError as error:
        # A link that came after the look is no directory either.
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise Refused(f"{path}: {name} is no directory") from None
        raise
    os.close(directory)
    return below
