# SPDX-License-Identifier: Apache-2.0
"""Runs a command and measures it: wall clock, processor time and peak memory of its whole process tree."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

_INTERVAL = 0.02  # reading the memory of a tree costs about a millisecond


@dataclass(frozen=True)
class Measured:
    """One run of a command."""

    seconds: float
    cpu: float
    """User and system time of all its processes."""
    memory: int
    """Bytes at the peak: the sum over the tree, each shared page divided among those who share it."""
    machine: float
    """Share of all processors that everything on the machine used meanwhile."""
    output: str
    timed_out: bool = False


def measure(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    log: Path,
    timeout: float,
    codes: Sequence[int] = (0,),
) -> Measured:
    """Run to the end, or to the timeout; raises LabError when the exit code is none of ``codes``."""
    with log.open("wb") as out:
        started, busy = time.monotonic(), machine_seconds()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
        memory = _Memory(child.pid)
        memory.start()
        alarm = threading.Timer(timeout, os.killpg, (child.pid, signal.SIGKILL))
        alarm.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            alarm.cancel()
            memory.stop()
        seconds = time.monotonic() - started
        share = (machine_seconds() - busy) / seconds / (os.cpu_count() or 1)
    child.returncode = os.waitstatus_to_exitcode(status)
    timed_out = child.returncode == -signal.SIGKILL and seconds >= timeout
    output = log.read_text(encoding="utf-8", errors="replace")
    if child.returncode not in codes and not timed_out:
        raise LabError(f"{' '.join(command)} failed (exit {child.returncode}): {output.strip()[-500:]}")
    # Not ru_maxrss: it begins with the memory of who started the command.
    return Measured(seconds, usage.ru_utime + usage.ru_stime, memory.peak, share, output, timed_out)


class _Memory(threading.Thread):
    """Looks at a process tree again and again."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._stopped = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._stopped.wait(_INTERVAL):
            self.peak = max(self.peak, sum(map(proportional_memory, tree(self._pid))))

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):  # it ended meanwhile
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(map(int, (task / "children").read_text(encoding="ascii").split()))
    return found


def proportional_memory(pid: int) -> int:
    """Bytes of a process, shared pages divided by the number of those who share them."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024


def processor_seconds(pid: int) -> float:
    """User and system time of one process so far; nothing for one that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_seconds() -> float:
    """Processor time that all processes of the machine used since it started."""
    words = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0].split()
    user, nice, system, _idle, _waiting, irq, softirq, *_ = map(int, words[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
