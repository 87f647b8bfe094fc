# SPDX-License-Identifier: Apache-2.0
"""Domains up and down; every step may be repeated, and down needs none to have been finished."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import addresses, gotools, leftovers, network, packages, paths
from lab.domains import controlplane, names, spire
from lab.domains.home import DomainHome
from lab.errors import LabError
from lab.progress import Progress
from lab.state import Domain, Lab

_FAMILIES = ("coredns", "spire", "nsm")
_STEPS = 4


def homes(count: int) -> list[DomainHome]:
    """The first so many domains."""
    if not 0 <= count <= addresses.MOST_DOMAINS:
        raise LabError(f"--domains {count}: there can be up to {addresses.MOST_DOMAINS} domains.")
    return [DomainHome(f"domain{number}") for number in range(1, count + 1)]


def build() -> dict[str, Path]:
    """Make the programs, which are kept; returns them by name, and links them where people look for them."""
    packages.ensure()
    programs = gotools.build(list(_FAMILIES))
    gotools.link_into(paths.BIN, programs)
    return programs


def up(wanted: Sequence[DomainHome], there: Sequence[DomainHome], programs: dict[str, Path]) -> None:
    """Bring the wanted domains up, all at once; they know each other's names, and those of the domains there are."""
    others = {*wanted, *there}
    with ThreadPoolExecutor(len(wanted)) as pool:
        for result in [pool.submit(_up, home, others, programs) for home in wanted]:
            result.result()


def _up(home: DomainHome, others: set[DomainHome], programs: dict[str, Path]) -> None:
    progress = Progress(home.name, _STEPS)
    home.run.mkdir(parents=True, exist_ok=True)
    network.attach(home, home.link, home.address)
    names.start(home, programs, others)
    progress.step(f"network and names of {home.zone}")
    spire.start_server(home, programs)
    progress.step(f"SPIRE server of {home.trust_domain}")
    spire.start_agent(home, programs)
    progress.step("SPIRE agent")
    controlplane.start(home, programs)
    progress.step("control plane, which waits for its identities")


def describe(home: DomainHome) -> Domain:
    """Its entry in the state file."""
    return Domain(
        name=home.name,
        address=home.address,
        zone=home.zone,
        trust_domain=home.trust_domain,
        machine=home.machine,
        zone_file=str(home.zone_file),
        server_socket=str(home.server_socket),
        agent_socket=str(home.agent_socket),
        manager_socket=str(home.manager_socket),
    )


def follow(lab: Lab) -> None:
    """Let domains know of others that came or went."""
    there = [DomainHome(entry.name) for entry in lab.domains]
    for home in there:
        names.follow(home, there)


def down(home: DomainHome) -> None:
    """End all programs of the domain and remove what it left; nothing of its data is kept."""
    leftovers.end_processes(home)
    network.detach(home, home.link)
    leftovers.remove_files(home)
