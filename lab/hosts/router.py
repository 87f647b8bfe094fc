# SPDX-License-Identifier: Apache-2.0
"""A router between a host and the bridge that translates addresses: what is said to the host's address on the bridge
reaches the host, which knows itself by another one only."""

from __future__ import annotations

from lab.addresses import BRIDGE, BRIDGE_ADDRESS, of_hardware
from lab.commands import run, succeeds
from lab.hosts.home import HostHome

_INSIDE, _OUTSIDE = "inside", "outside"
_HOST_LINK = "eth0"


def is_there(home: HostHome) -> bool:
    """Whether the host is behind one."""
    return home.router_namespace.exists()


def create(home: HostHome) -> None:
    """Put it where the host's cable was; a connection of before is gone."""
    router, ip = home.router_namespace.name, ["ip", "-n", home.router_namespace.name]
    steps = [
        ["ip", "netns", "add", router],
        ["ip", "link", "set", home.link, "nomaster", "netns", router, "name", _INSIDE],
        ["ip", "link", "add", home.link, "type", "veth", "peer", "name", _OUTSIDE, "netns", router],
        ["ip", "link", "set", home.link, "master", BRIDGE, "up"],
        [*ip, "link", "set", _OUTSIDE, "address", of_hardware(home.address), "up"],
        [*ip, "link", "set", _INSIDE, "up"],
        [*ip, "address", "add", f"{home.address}/24", "dev", _OUTSIDE],
        [*ip, "address", "add", f"{home.router_address}/24", "dev", _INSIDE],
        [*ip, "route", "add", "default", "via", BRIDGE_ADDRESS],
        [*_in(home), "sysctl", "-qw", "net.ipv4.ip_forward=1"],
        [*_nat(home, "PREROUTING"), "-i", _OUTSIDE, "-j", "DNAT", "--to-destination", home.inner_address],
        [*_nat(home, "POSTROUTING"), "-o", _OUTSIDE, "-j", "MASQUERADE"],
    ]
    for step in [*steps, *_addresses(home, home.inner_address, home.router_address)]:
        run(step, what=f"putting {home.name} behind a router")


def remove(home: HostHome) -> None:
    """Take it away, with the host's link through it."""
    if is_there(home):
        # First, since their other ends would go only some time after the namespace.
        succeeds(["ip", "link", "delete", home.link])
        succeeds(["ip", "-n", home.router_namespace.name, "link", "delete", _INSIDE])
        run(["ip", "netns", "delete", home.router_namespace.name], what=f"removing the router of {home.name}")


def _addresses(home: HostHome, own: str, gateway: str) -> list[list[str]]:
    ip = ["ip", "-n", home.unit]
    return [
        [*ip, "-4", "address", "flush", "dev", _HOST_LINK],
        [*ip, "address", "add", f"{own}/24", "dev", _HOST_LINK],
        [*ip, "link", "set", _HOST_LINK, "address", of_hardware(own)],
        [*ip, "route", "replace", "default", "via", gateway],
    ]


def _in(home: HostHome) -> list[str]:
    return ["ip", "netns", "exec", home.router_namespace.name]


def _nat(home: HostHome, chain: str) -> list[str]:
    return [*_in(home), "iptables", "-w", "-t", "nat", "-A", chain]
