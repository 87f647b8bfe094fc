# SPDX-License-Identifier: Apache-2.0
"""Starts and stops processes by pid; a pid that somebody else got meanwhile is never touched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The shell writes "PID START-TIME" of itself and then becomes the program, so a pid file exists before the program.
_WRITE_PID_FILE = (
    "read -r pid b c d e f g h i j k l m n o p q r s t u start rest </proc/self/stat"
    ' && echo "$pid $start" >"$0.new" && mv "$0.new" "$0" && exec "$@"'
)
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Process:
    """A long-running program of the lab: its name, its pid file and its log."""

    name: str
    pid_file: Path
    log: Path

    def pid(self) -> int | None:
        """The pid, if that very process is alive."""
        with contextlib.suppress(OSError, ValueError):
            pid, start = (int(word) for word in self.pid_file.read_text(encoding="utf-8").split())
            if start_time(pid) == start:
                return pid
        return None

    def start(
        self, command: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> bool:
        """Start it unless it runs already; it outlives the caller. Returns whether it was started."""
        if self.pid() is not None:
            return False
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                [*self.recorded(), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
                cwd=cwd or "/",
                start_new_session=True,
            )
        while not self.pid_file.exists() and child.poll() is None:
            time.sleep(0.005)
        # It is meant to live on; without this the interpreter would warn about a forgotten child.
        child.returncode = 0
        return True

    def recorded(self) -> list[str]:
        """What goes before a command so that its process is this one; it has to see the machine's own /proc."""
        return ["/bin/sh", "-c", _WRITE_PID_FILE, str(self.pid_file)]

    def stop(self, grace_seconds: float = 10) -> None:
        """Ask it to end, insist after a while, forget it."""
        pid = self.pid()
        if pid is not None:
            end({pid}, grace_seconds)
        self.pid_file.unlink(missing_ok=True)


def start_time(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; nothing for one that is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def end(pids: Iterable[int], grace_seconds: float = 0) -> None:
    """SIGTERM, then SIGKILL; returns when all of them are gone."""
    alive = {pid: start for pid in pids if (start := start_time(pid)) is not None}
    for number, patience in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 10.0)):
        if patience <= 0:
            continue
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + patience
        while alive and time.monotonic() < deadline:
            _reap(alive)
            alive = {pid: start for pid, start in alive.items() if start_time(pid) == start}
            if alive:
                time.sleep(_POLL_SECONDS)


def _reap(pids: Iterable[int]) -> None:
    """Where the caller is the parent, a finished child would stay as a zombie."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def in_network_namespace(namespace: Path) -> set[int]:
    """Every process that lives in that network namespace."""
    try:
        wanted = namespace.stat()
    except OSError:
        return set()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                status = (entry / "ns" / "net").stat()
                if (status.st_dev, status.st_ino) == (wanted.st_dev, wanted.st_ino):
                    found.add(int(entry.name))
    return found - {os.getpid()}
