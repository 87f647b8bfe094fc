# SPDX-License-Identifier: Apache-2.0
"""What one cluster has on this machine: its names, directories, processes, and the way into its namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab import paths
from lab.addresses import Addresses
from lab.errors import LabError
from lab.kubeconfig import Access
from lab.process import Process

PREFIX = "mesh-"
NETWORK_NAMESPACES = Path("/run/netns")


@dataclass(frozen=True)
class Home:
    """Everything here follows from the cluster's name."""

    name: str

    @property
    def unit(self) -> str:
        """Name of its network namespace and of its cgroup."""
        return PREFIX + self.name

    @property
    def network_namespace(self) -> Path:
        """The handle of the network namespace."""
        return NETWORK_NAMESPACES / self.unit

    @property
    def root(self) -> Path:
        """Its data, inside the checkout."""
        return paths.STATE / self.name

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.root / "pki"

    @property
    def logs(self) -> Path:
        """One log per program."""
        return self.root / "logs"

    @property
    def config(self) -> Path:
        """Configuration files written by the lab."""
        return self.root / "config"

    @property
    def node(self) -> Path:
        """What the node sees under the absolute paths of `nodefs.DIRECTORIES`."""
        return self.root / "node"

    @property
    def run(self) -> Path:
        """Pid files; gone after a reboot, as the processes are."""
        return paths.RUN / self.name

    def process(self, program: str) -> Process:
        """One of its processes."""
        return Process(f"{program} of {self.name}", self.run / f"{program}.pid", self.logs / f"{program}.log")

    def access(self, addresses: Addresses) -> Access:
        """The administrator's way to its API server."""
        return Access(addresses.server, self.pki, "admin")

    def in_network(self, *command: str | Path) -> list[str]:
        """A command in the cluster's network; the machine's file system."""
        return ["nsenter", f"--net={self.network_namespace}", *map(str, command)]

    def in_node(self, *command: str | Path) -> list[str]:
        """A command as on the node: its network and its file system."""
        holder = self.process("node").pid()
        if holder is None:
            raise LabError(f"cluster {self.name} has no running node; run: python -m lab up")
        return ["nsenter", f"--mount=/proc/{holder}/ns/mnt", f"--net={self.network_namespace}", *map(str, command)]
