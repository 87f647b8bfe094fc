# SPDX-License-Identifier: Apache-2.0
"""What a person does to a host from outside: commands on its console, power, and its network cable."""

from __future__ import annotations

import subprocess

from lab.hosts import keeper, lifecycle, network
from lab.hosts.home import HostHome
from lab.waiting import wait_for

_OFF_SECONDS = 60


def execute(name: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as root in the host, and return its exit code and output, whatever they are."""
    return subprocess.run(
        HostHome(name).inside(*command), check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def interact(name: str, *command: str) -> int:
    """Run a command as root in the host with this process's own input and output; returns its exit code."""
    return subprocess.run(HostHome(name).inside(*command), check=False).returncode


def reboot(name: str) -> None:
    """Ask the host to reboot, and return when it has and users can log in again."""
    home = HostHome(name)
    before = home.init.pid()
    execute(name, "systemctl", "reboot")
    wait_for(f"reboot of {name}", lambda: home.init.pid() not in (None, before), [home.keeper])
    lifecycle.wait_until_ready(home)


def power_off(name: str) -> None:
    """Ask the host to power off, and return when it has. `power_on`, or the next `up`, starts it again."""
    home = HostHome(name)
    execute(name, "systemctl", "poweroff")
    wait_for(f"end of {name}", lambda: home.keeper.pid() is None, timeout_seconds=_OFF_SECONDS)


def power_on(name: str) -> None:
    """Switch the host on unless it is, and return when users can log in."""
    home = HostHome(name)
    keeper.start(home)
    lifecycle.wait_until_ready(home)


def set_link(name: str, *, up: bool) -> None:
    """Plug the host's network cable in or pull it out; it stays so over a reboot."""
    network.set_link(HostHome(name), up=up)


def set_router(name: str, *, between: bool) -> None:
    """Put the host behind a router that translates addresses, by which it is reached as before, or take that away. It
    stays over a reboot. Only for hosts that reach no cluster's pods."""
    network.set_router(HostHome(name), between=between)
