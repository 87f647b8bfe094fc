# SPDX-License-Identifier: Apache-2.0
"""Looks at a run from outside, every few milliseconds: its files, and what its processes were started with."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

from .canaries import Canaries

#: Seconds between two looks.
_PAUSE = 0.004
#: Bytes of one file that are read.
_MOST = 64 * 2**20


class Observer(threading.Thread):
    """Watches the processes below ``pid`` and the files below ``roots``.

    ``seen`` holds what was found: (place, canary and spelling), ``programs`` the names of all processes.
    """

    def __init__(self, canaries: Canaries, pid: int, roots: list[Path]) -> None:
        super().__init__(daemon=True, name="observer")
        self._canaries, self._pid, self._roots = canaries, pid, roots
        self._ended = threading.Event()
        self._known: dict[Path, tuple[int, int]] = {}
        self.seen: set[tuple[str, str]] = set()
        self.looks = 0
        self.programs: set[str] = set()

    def run(self) -> None:
        """Look, until it is stopped."""
        while not self._ended.is_set():
            self.look()
            self._ended.wait(_PAUSE)

    def stop(self) -> None:
        """End, with a last look at the files."""
        self._ended.set()
        self.join()
        self.look()

    def look(self) -> None:
        """One look at everything."""
        self.looks += 1
        for pid in _descendants(self._pid):
            for part in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    text = Path(f"/proc/{pid}/{part}").read_bytes()
                    if part == "cmdline" and text:
                        self.programs.add(Path(os.fsdecode(text.split(b"\0")[0])).name)
                    self._note(f"/proc/*/{part} of {_name(pid)}", text)
        for root in self._roots:
            for path, status in _files(root):
                key = (status.st_mtime_ns, status.st_size)
                if self._known.get(path) == key:
                    continue
                self._known[path] = key
                with contextlib.suppress(OSError), path.open("rb") as file:
                    self._note(
                        f"file {path} ({_protection(path, root)})", str(path).encode() + b"\n" + file.read(_MOST)
                    )

    def _note(self, place: str, text: bytes) -> None:
        self.seen |= {(place, found) for found in self._canaries.found(text)}


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                    yield from _descendants(int(child))


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return "a program that ended"


def _files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for directory, _subdirectories, names in os.walk(root):
        for name in names:
            path = Path(directory) / name
            with contextlib.suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    yield path, status


def _protection(path: Path, root: Path) -> str:
    """``private`` where the file, or a directory above it, is the owner's alone."""
    with contextlib.suppress(OSError):
        inside = [path, *(place for place in path.parents if place.is_relative_to(root) and place != root)]
        closed = any(not place.stat().st_mode & 0o077 for place in inside)
        return "private" if closed else "open"
    return "gone"
