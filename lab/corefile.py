# SPDX-License-Identifier: Apache-2.0
"""Blocks of CoreDNS's configuration that the lab's name servers share."""

from __future__ import annotations

from collections.abc import Iterable

PORT = 53
_SERVER = """{zone}:{port} {{
    bind {address}
    errors
{plugins}}}
"""
# It is read again within seconds.
_OWN = "    reload 2s 1s\n"
_FORWARD = "    forward . {server}\n"
# Whatever nobody serves is answered at once; a program that waits for an answer waits a minute and more.
_NOTHING = "    template ANY ANY {\n        rcode NXDOMAIN\n    }\n"


def text(address: str, zone: str, plugins: str, others: Iterable[tuple[str, str]]) -> str:
    """Of a name server at an address: its own zone by these plugins, other zones (name, address of their server) from
    their servers, and nothing else."""
    blocks = [
        (zone, _OWN + plugins),
        *((name, _FORWARD.format(server=server)) for name, server in others),
        (".", _NOTHING),
    ]
    return "".join(_SERVER.format(zone=name, port=PORT, address=address, plugins=lines) for name, lines in blocks)
