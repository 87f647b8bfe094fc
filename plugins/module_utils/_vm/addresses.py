# SPDX-License-Identifier: Apache-2.0
"""The host's own addresses."""

from __future__ import annotations

import ipaddress
import socket

from .running import text_of

#: Addresses kept for documentation (RFC 5737, RFC 3849): a datagram socket that is bound for them sends nothing.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def look() -> list[str]:
    """IPv4 and IPv6 addresses but for loopback and link-local ones, those of the default routes first."""
    known = [*_of_ipv4(text_of("/proc/net/fib_trie")), *_of_ipv6(text_of("/proc/net/if_inet6"))]
    first = [address for address in map(_towards, *zip(*_ELSEWHERE)) if address in known]
    return [*first, *(address for address in known if address not in first)]


def _towards(family: int, address: str) -> str:
    """The address that the kernel takes for packets there; empty where there is no route."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _of_ipv4(trie: str) -> list[str]:
    """Of the kernel's routing trie the leaves that are local."""
    found = []
    leaf = ""
    for line in trie.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            leaf = words[1]
        elif words[:3] == ["/32", "host", "LOCAL"] and leaf not in found and _global(leaf):
            found.append(leaf)
    return found


def _of_ipv6(table: str) -> list[str]:
    """Of /proc/net/if_inet6: 32 hexadecimal digits, then number, prefix, scope, flags, interface."""
    written = (line.split()[0] for line in table.splitlines() if line.split())
    found = (str(ipaddress.IPv6Address(int(digits, 16))) for digits in written)
    return [address for address in found if _global(address)]


def _global(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local)
