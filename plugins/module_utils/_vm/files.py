# SPDX-License-Identifier: Apache-2.0
"""One file or directory, in a directory that is open: read, replaced as a whole, or removed."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LARGEST = 1 << 24


class Standing(NamedTuple):
    """Who may do what: mode, and numbers of owner and group."""

    mode: int
    owner: int
    group: int


class Found(NamedTuple):
    """A file as it is; ``data`` is None for what is no regular file, such as a symbolic link."""

    data: bytes | None
    standing: Standing
    links: int


def look(directory: int, name: str) -> Found | None:
    """What is there, None if nothing is. Symbolic links are not followed."""
    try:
        status = os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return None
    data = _read(directory, name) if stat.S_ISREG(status.st_mode) else None
    return Found(data, standing(status), status.st_nlink)


def standing(status: os.stat_result) -> Standing:
    """That of a file that was looked at."""
    return Standing(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def _read(directory: int, name: str) -> bytes | None:
    descriptor = os.open(name, _READ, dir_fd=directory)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_LARGEST) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def replace(directory: int, name: str, data: bytes, wanted: Standing) -> None:
    """Put a file there in one step: a reader finds the old or the new one, and whoever must not read it never can. What
    was there, also a symbolic link, is replaced, not written to. Raises OSError with the old file whole."""
    fresh = f".{name}.meshops"
    remove(directory, fresh)  # left by a run that was killed
    descriptor = os.open(fresh, _NEW, 0o600, dir_fd=directory)
    try:
        try:
            set_standing(descriptor, wanted)
            _write(descriptor, data)
        finally:
            os.close(descriptor)
        try:
            os.rename(fresh, name, src_dir_fd=directory, dst_dir_fd=directory)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            # A mount of its own, as containers have /etc/hosts: it cannot be replaced.
            _overwrite(directory, name, data)
            remove(directory, fresh)
    except BaseException:
        remove(directory, fresh)
        raise
    os.fsync(directory)


def _overwrite(directory: int, name: str, data: bytes) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        _write(descriptor, data)
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def set_standing(descriptor: int, wanted: Standing) -> None:
    """Mode, owner and group of what is open; the mode last, as a new owner takes its upper bits."""
    os.fchown(descriptor, wanted.owner, wanted.group)
    os.fchmod(descriptor, wanted.mode)


def remove(directory: int, name: str) -> bool:
    """Whether there was something to remove; of a symbolic link only itself."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True


def remove_tree(directory: int, name: str) -> bool:
    """The same with a directory and all that is in it, but for what is mounted there (OSError EBUSY)."""
    try:
        status = os.lstat(name, dir_fd=directory)
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        return remove(directory, name)
    below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        if os.fstat(below).st_dev != os.fstat(directory).st_dev:
            raise OSError(errno.EBUSY, "something is mounted there", name)
        for inner in os.listdir(below):
            remove_tree(below, inner)
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=directory)
    return True
