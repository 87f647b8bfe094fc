# SPDX-License-Identifier: Apache-2.0
"""What hosts find at the bridge's address: a name server, and packages over HTTP. There as long as a host is."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from lab import corefile, paths, servers, state, versions
from lab.addresses import BRIDGE_ADDRESS
from lab.process import Process
from lab.state import Domain, Lab, write_atomically

_PLUGINS = """    hosts "{names}" {{
        ttl 5
        reload 1s
    }}
"""


def start(programs: dict[str, Path]) -> None:
    """Start both."""
    dns, packages = _processes()
    write_atomically(_corefile(), configuration(state.own().domains), 0o644)
    if not _names_file().exists():
        write_atomically(_names_file(), "", 0o644)
    servers.start(dns, BRIDGE_ADDRESS, corefile.PORT, [programs["coredns"], "-conf", _corefile()])
    port = versions.PACKAGES_PORT
    servers.start(packages, BRIDGE_ADDRESS, port, servers.of_files(paths.PACKAGES, BRIDGE_ADDRESS, port))


def stop() -> None:
    """Stop both."""
    for process in _processes():
        process.stop(grace_seconds=3)
    shutil.rmtree(paths.host_services(), ignore_errors=True)


def processes() -> list[Process]:
    """Both, for the status table."""
    return list(_processes())


def publish(lab: Lab) -> None:
    """Let the name server know hosts and nodes as `vm1.lab`, `onprem.lab`..., and who serves the zones of domains."""
    known = [(host.address, host.name) for host in lab.hosts]
    known += [(cluster.node_address, cluster.name) for cluster in lab.clusters]
    write_atomically(_names_file(), names(known), 0o644)
    write_atomically(_corefile(), configuration(lab.domains), 0o644)


def configuration(domains: Iterable[Domain]) -> str:
    """The name server's configuration, which it reads again within seconds."""
    zones = [(domain.zone, domain.address) for domain in domains]
    return corefile.text(BRIDGE_ADDRESS, "lab", _PLUGINS.format(names=_names_file()), zones)


def names(known: Iterable[tuple[str, str]]) -> str:
    """The zone `lab.` in the form of /etc/hosts."""
    return "".join(f"{address} {name}.lab\n" for address, name in known)


def _corefile() -> Path:
    return paths.host_services() / "Corefile"


def _names_file() -> Path:
    return paths.host_services() / "names"


def _processes() -> tuple[Process, Process]:
    logs = paths.host_services()
    return (
        Process("name-server", paths.RUN / "name-server.pid", logs / "name-server.log"),
        Process("package-server", paths.RUN / "package-server.pid", logs / "package-server.log"),
    )
