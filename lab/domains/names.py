# SPDX-License-Identifier: Apache-2.0
"""A domain's name server: its own zone from a file, other domains' zones from their servers, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab import corefile
from lab.domains.home import DomainHome
from lab.process import Process
from lab.state import write_atomically
from lab.waiting import wait_for

_PROGRAM = "coredns"
_PLUGINS = """    file "{file}" {{
        reload 1s
    }}
"""
_ZONE = """$ORIGIN {zone}.
$TTL 5
@ IN SOA ns admin 1 60 60 600 1
@ IN NS ns
ns IN A {address}
"""


def start(home: DomainHome, programs: dict[str, Path], others: Iterable[DomainHome]) -> None:
    """Start it with an empty zone, unless there is one already."""
    if not home.zone_file.exists():
        write_atomically(home.zone_file, zone(home), 0o644)
    write_atomically(home.resolver, f"nameserver {home.address}\noptions timeout:1 attempts:2\n", 0o644)
    follow(home, others)
    server = process(home)
    server.start(home.in_network(programs[_PROGRAM], "-conf", _corefile(home)))
    wait_for(server.name, lambda: _listens(server), [server])


def process(home: DomainHome) -> Process:
    """The name server."""
    return home.process(_PROGRAM)


def _listens(server: Process) -> bool:
    """Whether its port is taken in its own network namespace."""
    sockets = Path(f"/proc/{server.pid()}/net/udp")
    return sockets.exists() and f":{corefile.PORT:04X} " in sockets.read_text(encoding="ascii")


def follow(home: DomainHome, others: Iterable[DomainHome]) -> None:
    """Let it know which other domains there are; it reads of them within seconds."""
    write_atomically(_corefile(home), configuration(home, others), 0o644)


def configuration(home: DomainHome, others: Iterable[DomainHome]) -> str:
    """The Corefile."""
    zones = [(other.zone, other.address) for other in sorted(others, key=lambda other: other.number) if other != home]
    return corefile.text(home.address, home.zone, _PLUGINS.format(file=home.zone_file), zones)


def zone(home: DomainHome) -> str:
    """A zone in which there is nothing but its name server."""
    return _ZONE.format(zone=home.zone, address=home.address)


def _corefile(home: DomainHome) -> Path:
    return home.config / "Corefile"
