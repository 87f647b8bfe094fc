# SPDX-License-Identifier: Apache-2.0
"""What one domain has on this machine: its names, addresses, directories, and the way into it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from lab import addresses
from lab.errors import LabError
from lab.home import Home

_NAME = re.compile(r"domain([1-9]\d?)")
# A mount namespace of its own, so that the program finds the domain's name server as its machine's.
_WITH_RESOLVER = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def is_domain(name: str) -> bool:
    """Whether that is the name of a domain (``domain1``, ``domain2``...), which no cluster may have."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class DomainHome(Home):
    """Everything here follows from the domain's name."""

    @property
    def number(self) -> int:
        """From 1 on."""
        found = _NAME.fullmatch(self.name)
        if found is None:
            raise LabError(f"{self.name} is no domain; domains are called domain1, domain2, ...")
        return int(found.group(1))

    @property
    def address(self) -> str:
        """On the bridge; all its programs are there."""
        return addresses.of_domain(self.number)

    @property
    def zone(self) -> str:
        """Its name in DNS, which comes after the @ of its services."""
        return f"my.cluster{self.number}"

    @property
    def trust_domain(self) -> str:
        """Its name in SPIFFE IDs, which need not be that in DNS."""
        return f"nsm.cluster{self.number}"

    @property
    def machine(self) -> str:
        """SPIFFE ID of its machine: the parent of every entry, whichever token its agent came with."""
        return f"spiffe://{self.trust_domain}/machine"

    @property
    def link(self) -> str:
        """The outer end of its network link."""
        return self.unit

    @property
    def zone_file(self) -> Path:
        """What its name server answers for the zone; whoever changes it raises the serial number."""
        return self.config / "zone"

    @property
    def resolver(self) -> Path:
        """The resolv.conf of its programs."""
        return self.config / "resolv.conf"

    @property
    def server_socket(self) -> Path:
        """Of the SPIRE server's own interface, for its administrators. Sockets' paths are short, as the kernel takes
        107 characters."""
        return self.run / "spire-server" / "api.sock"

    @property
    def agent_socket(self) -> Path:
        """Of the Workload API, for programs that need an identity."""
        return self.run / "spire-agent" / "agent.sock"

    @property
    def manager_socket(self) -> Path:
        """Of the manager, for clients and endpoints."""
        return self.run / "nsm" / "nsm.io.sock"

    def inside(self, *command: str | Path) -> list[str]:
        """A command in the domain's network, with its resolver; the machine's file system otherwise."""
        private = ["unshare", "--mount", "--propagation", "private"]
        return self.in_network(*private, "sh", "-c", _WITH_RESOLVER, self.resolver, *command)
