# SPDX-License-Identifier: Apache-2.0
"""Networks: one bridge between host and nodes, one network namespace per cluster, nothing beyond.

A packet that comes from a cluster may reach the host and the other nodes. The host never passes it on to a network
outside, and it never looks for pod and Service addresses outside either.
"""

from __future__ import annotations

from pathlib import Path

from lab.addresses import BRIDGE, BRIDGE_ADDRESS, BRIDGE_NETWORK, Addresses, of_hardware
from lab.commands import run, succeeds
from lab.errors import LabError
from lab.home import Home

_TABLE = "1099"  # number of the routing table and priority of the rule that leads there
_NODE_LINK = "eth0"
_IFF_UP = 1
_BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
_FORWARD_RULE = ["FORWARD", "-i", BRIDGE, "-o", BRIDGE, "-j", "ACCEPT"]


def create_bridge() -> None:
    """The bridge, and the rule that keeps what comes over it away from networks outside."""
    if not link_exists(BRIDGE):
        _ip("link", "add", BRIDGE, "type", "bridge")
    elif "inet " in (found := _ip("address", "show", "dev", BRIDGE)) and f"inet {BRIDGE_ADDRESS}/" not in found:
        raise LabError(f"a network link {BRIDGE} exists that is not the lab's; rename it, then run again.")
    _ip("address", "replace", f"{BRIDGE_ADDRESS}/24", "dev", BRIDGE)
    # Else it would have that of one of its links, and another when that one goes.
    _ip("link", "set", BRIDGE, "address", of_hardware(BRIDGE_ADDRESS), "up")
    _ip("route", "replace", BRIDGE_NETWORK, "dev", BRIDGE, "table", _TABLE)
    _ip("route", "replace", "unreachable", "default", "table", _TABLE)
    if f"lookup {_TABLE}" not in _ip("rule", "list"):
        _ip("rule", "add", "iif", BRIDGE, "lookup", _TABLE, "priority", _TABLE)
    if _host_filters_bridges() and not succeeds(["iptables", "-w", "-C", *_FORWARD_RULE]):
        run(["iptables", "-w", "-I", *_FORWARD_RULE], what="letting the bridge through the host's packet filter")


def remove_bridge() -> None:
    """Undo create_bridge, whatever is there of it."""
    while succeeds(["iptables", "-w", "-C", *_FORWARD_RULE]):
        run(["iptables", "-w", "-D", *_FORWARD_RULE], what="removing the lab's packet filter rule")
    while f"lookup {_TABLE}" in _ip("rule", "list"):
        _ip("rule", "delete", "priority", _TABLE)
    succeeds(["ip", "route", "flush", "table", _TABLE])
    if link_exists(BRIDGE):
        _ip("link", "delete", BRIDGE)


def create_namespace(home: Home, addresses: Addresses) -> None:
    """The cluster's network namespace with one link to the bridge."""
    attach(home, _outside_link(addresses), addresses.node)
    settings = ["net.ipv4.ip_forward=1"]
    if _BRIDGE_FILTER.exists():
        settings.append("net.bridge.bridge-nf-call-iptables=1")
    run(home.in_network("sysctl", "-qw", *settings), what=f"network settings of {home.name}")
    for inner in (addresses.pods, addresses.services):
        _ip("route", "replace", "unreachable", inner)


def remove_namespace(home: Home, addresses: Addresses | None) -> None:
    """Undo create_namespace; the caller has ended the processes in it."""
    detach(home, _outside_link(addresses) if addresses else None)
    if addresses is not None:
        for inner in (addresses.pods, addresses.services):
            succeeds(["ip", "route", "delete", "unreachable", inner])


def attach(home: Home, outside: str, address: str) -> None:
    """A network namespace with one link to the bridge, whose outer end has that name, and a default route over it."""
    name = home.unit
    if not home.network_namespace.exists():
        _ip("netns", "add", name)
    if not link_exists(outside):
        inside = ["name", _NODE_LINK, "address", of_hardware(address), "netns", name]
        _ip("link", "add", outside, "type", "veth", "peer", *inside)
    _ip("link", "set", outside, "master", BRIDGE, "up")
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", name, "address", "replace", f"{address}/24", "dev", _NODE_LINK)
    _ip("-n", name, "link", "set", _NODE_LINK, "up")
    _ip("-n", name, "route", "replace", "default", "via", BRIDGE_ADDRESS)


def detach(home: Home, outside: str | None) -> None:
    """Undo attach, whatever is there of it."""
    if outside is not None:
        # First, since its other end would go only some time after the namespace.
        succeeds(["ip", "link", "delete", outside])
    if home.network_namespace.exists() and not succeeds(["ip", "netns", "delete", home.unit]):
        # A file without a namespace behind it is what an interrupted `ip netns add` leaves.
        home.network_namespace.unlink(missing_ok=True)


def bridged_packets_are_filtered() -> bool:
    """Whether the kernel shows bridged packets to iptables; else answers between pods bypass address translation."""
    return _BRIDGE_FILTER.exists()


def _outside_link(addresses: Addresses) -> str:
    return f"mesh{addresses.number}"


def _host_filters_bridges() -> bool:
    return _BRIDGE_FILTER.exists() and _BRIDGE_FILTER.read_text(encoding="ascii").strip() == "1"


def link_exists(name: str) -> bool:
    """Whether this machine has a network link of that name."""
    return Path("/sys/class/net", name).exists()


def link_is_up(name: str) -> bool:
    """Whether it is switched on."""
    return bool(int(Path("/sys/class/net", name, "flags").read_text(encoding="ascii"), 16) & _IFF_UP)


def _ip(*arguments: str) -> str:
    return run(["ip", *arguments], what=f"ip {' '.join(arguments)}")
