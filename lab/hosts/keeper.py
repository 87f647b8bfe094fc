# SPDX-License-Identifier: Apache-2.0
"""What power and firmware are to a real host: starts it, starts it again when it reboots, ends when it is powered off.

One such process per host, for as long as the host is switched on. The host lives no longer than it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import cgroups, paths, state
from lab.hosts import boot, network
from lab.hosts.home import HostHome

_GROUP = "keeper"
_TOUCH_SECONDS = 3600


def start(home: HostHome) -> bool:
    """Switch the host on unless it is; returns whether it was off."""
    return home.keeper.start([sys.executable, "-m", "lab.hosts.keeper", home.name], cwd=paths.CHECKOUT)


def keep(home: HostHome) -> None:
    """Boot it until it is powered off, or its first process dies."""
    group = f"{home.unit}/{_GROUP}"
    cgroups.create(home.unit)
    cgroups.create(group)
    cgroups.enter(group)
    try:
        # So the kernel lets the first process of a namespace end when it asks for a reboot.
        while _boot(home) == -signal.SIGHUP:
            pass
    finally:
        # A host that is off answers no ping either.
        network.remove(home)


def _boot(home: HostHome) -> int:
    """One life of the host, from a clean state of the kernel; returns how it ended, as `subprocess` tells it."""
    cgroups.remove(home.group)
    cgroups.create(home.group)
    network.create(home)
    network.set_routes(home, state.own().clusters)
    outside, console = os.openpty()
    with open(outside, "rb", buffering=0) as output, open(console, "wb", buffering=0):
        booted = subprocess.Popen(boot.command(home, os.ttyname(console)), cwd=home.root, stdin=subprocess.DEVNULL)
        try:
            _copy_until_end(booted, output.fileno(), home)
        finally:
            booted.kill()
            booted.wait()
    return booted.returncode


def _copy_until_end(booted: subprocess.Popen[bytes], console: int, home: HostHome) -> None:
    """Write what comes over the console to the log until the process ends."""
    with home.log.open("ab", buffering=0) as log, open(os.pidfd_open(booted.pid), "rb", buffering=0) as end:
        while True:
            _touch(home.lower)
            ready, _, _ = select.select([console, end.fileno()], [], [], _TOUCH_SECONDS)
            if console in ready:
                log.write(os.read(console, 65536))
            elif ready:
                return


def _touch(lower: Sequence[Path]) -> None:
    """A base system that is in use must not look forgotten to the cache."""
    for layer in lower:
        os.utime(layer.resolve().parent)


def main() -> None:
    """Runs for as long as the host is switched on."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keep(HostHome(sys.argv[1]))


if __name__ == "__main__":
    main()
