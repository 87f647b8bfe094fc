# SPDX-License-Identifier: Apache-2.0
"""What one host has on this machine: its addresses, directories, processes, and the way into its namespaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab import addresses
from lab.errors import LabError
from lab.home import Home
from lab.process import Process

USER = "ops"
_NAME = re.compile(r"vm([1-9]\d?)")
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")


def is_host(name: str) -> bool:
    """Whether that is the name of a host (``vm1``, ``vm2``...), which no cluster may have."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class HostHome(Home):
    """Everything here follows from the host's name."""

    @property
    def number(self) -> int:
        """From 1 on."""
        found = _NAME.fullmatch(self.name)
        if found is None:
            raise LabError(f"{self.name} is no host; hosts are called vm1, vm2, ...")
        return int(found.group(1))

    @property
    def address(self) -> str:
        """On the bridge."""
        return addresses.of_host(self.number)

    @property
    def inner_address(self) -> str:
        """Behind a router that translates addresses, in a network that only the two have."""
        return addresses.behind_router(self.number, 2)

    @property
    def router_address(self) -> str:
        """The router's, in that network."""
        return addresses.behind_router(self.number, 1)

    @property
    def router_namespace(self) -> Path:
        """Of such a router."""
        return self.network_namespace.with_name(f"{self.unit}-router")

    @property
    def link(self) -> str:
        """The outer end of its network link."""
        return self.unit

    @property
    def upper(self) -> Path:
        """The files that it has of its own."""
        return self.root / "upper"

    @property
    def base(self) -> Path:
        """Link to the base system below them, which all hosts share."""
        return self.root / "base"

    @property
    def work(self) -> Path:
        """For the overlay of both."""
        return self.root / "work"

    @property
    def mount_point(self) -> Path:
        """Where the overlay is mounted, seen by the host alone."""
        return self.root / "root"

    @property
    def log(self) -> Path:
        """What goes to the console, and the keeper's own errors."""
        return self.root / "console.log"

    @property
    def sessions(self) -> Path:
        """Sockets by which SSH sessions share a connection. Its path is short, as the kernel takes 107 characters."""
        return self.run / "ssh"

    @property
    def group(self) -> str:
        """The cgroup that is the whole hierarchy to the host; the keeper has one beside it."""
        return f"{self.unit}/host"

    @property
    def keeper(self) -> Process:
        """Starts the host, and again when it reboots; as long as it runs, the host is switched on."""
        return Process(f"keeper of {self.name}", self.run / "keeper.pid", self.log)

    @property
    def init(self) -> Process:
        """Process 1 of the host."""
        return Process(f"systemd of {self.name}", self.run / "init.pid", self.log)

    def inside(self, *command: str) -> list[str]:
        """A command as root in all of the host's namespaces, with nothing of this machine's environment."""
        pid = self.init.pid()
        if pid is None:
            raise LabError(f"{self.name} is not running; run: python -m lab up --clusters --hosts {self.number}")
        clean = ["env", "-i", f"PATH={_SEARCH_PATH}", "HOME=/root", "USER=root", "LANG=C.UTF-8", "TERM=dumb"]
        return ["nsenter", f"--target={pid}", *_NAMESPACES, "--root", "--wd", *clean, *command]
