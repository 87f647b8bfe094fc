# SPDX-License-Identifier: Apache-2.0
"""The address plan: one number per cluster decides every address it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.errors import LabError

BRIDGE = "wan"
BRIDGE_NETWORK = "10.99.0.0/24"
BRIDGE_ADDRESS = "10.99.0.1"

# The usual clusters keep their numbers, so that their addresses are the same on every machine.
_FIXED = {"onprem": 11, "cloud": 12, "api": 13}
_FREE = range(14, 22)
#: Bare API servers have no load balancers, of whose pools there are only as many as there are numbers above.
_BARE = range(22, 60)
_POOL_START, _POOL_SIZE = 64, 16
#: Hosts have the numbers from 1 on, and their addresses follow the last pool.
MOST_HOSTS = 14
_BEFORE_HOSTS = 240
#: Domains have the numbers from 1 on, and their addresses follow the bridge's own.
MOST_DOMAINS = 9
_BEFORE_DOMAINS = 1


@dataclass(frozen=True)
class Addresses:
    """Every address of one cluster."""

    number: int

    @property
    def node(self) -> str:
        """The node (and API server) on the bridge."""
        return f"10.99.0.{self.number}"

    @property
    def pods(self) -> str:
        """Pod range; only reachable inside the cluster."""
        return f"10.{100 + self.number}.0.0/16"

    @property
    def services(self) -> str:
        """Service range."""
        return f"10.{150 + self.number}.0.0/16"

    @property
    def api_service(self) -> str:
        """The Service `kubernetes`."""
        return f"10.{150 + self.number}.0.1"

    @property
    def dns(self) -> str:
        """The Service of CoreDNS."""
        return f"10.{150 + self.number}.0.10"

    @property
    def load_balancers(self) -> str:
        """Pool on the bridge from which Services of type LoadBalancer get theirs."""
        return f"10.99.0.{_POOL_START + _POOL_SIZE * (self.number - _FIXED['onprem'])}/28"

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{self.node}:6443"


def is_bare(name: str) -> bool:
    """Whether a cluster of that name is an API server without nodes: ``api``, ``api-2``, ``api-bench``."""
    return name == "api" or name.startswith("api-")


def assign(names: list[str], taken: Mapping[str, int]) -> dict[str, int]:
    """A number for each name: what it has already, its fixed one, or the lowest free one."""
    numbers = dict(taken)
    for name in names:
        if name in numbers:
            continue
        free = [number for number in (_BARE if is_bare(name) else _FREE) if number not in numbers.values()]
        number = _FIXED.get(name) or (free[0] if free else None)
        if number is None:
            raise LabError(f"no address left for cluster {name}; take one down first (python -m lab status).")
        numbers[name] = number
    return {name: numbers[name] for name in names}


def of_host(number: int) -> str:
    """The address of a host on the bridge, all that it has."""
    return f"10.99.0.{_BEFORE_HOSTS + number}"


def of_domain(number: int) -> str:
    """The address of a domain of Network Service Mesh on the bridge."""
    return f"10.99.0.{_BEFORE_DOMAINS + number}"


def behind_router(number: int, which: int) -> str:
    """An address in the network between a host and its router."""
    return f"172.30.{number}.{which}"


def of_hardware(address: str) -> str:
    """The Ethernet address that belongs to an address on the bridge, so that neighbours need not learn a new one when
    its owner goes and comes back."""
    return ":".join(f"{part:02x}" for part in (0x02, 0, *map(int, address.split("."))))
