# SPDX-License-Identifier: Apache-2.0
"""Hosts up and down; every step may be repeated, and down needs none to have been finished."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection, Sequence
from pathlib import Path

from lab import addresses, cgroups, gotools, leftovers, paths, sidecar
from lab.errors import LabError
from lab.hosts import access, base, files, keeper, keys, network, redhat, services
from lab.hosts.home import HostHome
from lab.progress import Progress
from lab.state import Lab
from lab.waiting import wait_for

_SSH_PORT = 22
_SSH_GREETING = b"SSH-"


def homes(count: int) -> list[HostHome]:
    """The first so many hosts."""
    if not 0 <= count <= addresses.MOST_HOSTS:
        raise LabError(f"--hosts {count}: there can be up to {addresses.MOST_HOSTS} hosts.")
    return [HostHome(f"vm{number}") for number in range(1, count + 1)]


def check_packages(homes: Sequence[HostHome], rpm: Collection[str]) -> None:
    """That the hosts of these names can take their packages as rpm: a host keeps the kind that it began with."""
    for name in rpm:
        home = next((home for home in homes if home.name == name), None)
        if home is None:
            raise LabError(f"--rpm {name}: is not among the hosts; give --hosts the number of the last one.")
        if home.upper.exists() and home.packages != "rpm":
            raise LabError(f"--rpm {name}: it is there, and takes debs; run first: python -m lab down {name}")


def build(*, rpm: bool) -> dict[str, Path]:
    """Make what takes long and is kept: programs (returned by name), packages, the base system, and what lies above it
    where any host takes rpms."""
    programs = gotools.build(["coredns", "istio"])
    sidecar.link(paths.PACKAGES, sidecar.release(programs))
    base.directory()
    if rpm:
        redhat.layer()
    return programs


def up(homes: Sequence[HostHome], rpm: Collection[str], programs: dict[str, Path]) -> None:
    """Switch the hosts on, and wait until they let the lab in; those of these names take their packages as rpm."""
    authorized_key, system = keys.own(), base.directory()
    progress = Progress("hosts", len(homes))
    for home in homes:
        home.run.mkdir(parents=True, exist_ok=True)
        files.create(home, authorized_key, system, redhat.layer() if home.name in rpm else None)
        keeper.start(home)
    services.start(programs)
    for home in homes:
        wait_until_ready(home)
        progress.step(f"{home.name} answers at {home.address}")


def wait_until_ready(home: HostHome) -> None:
    """Users can log in, or nobody can get through to it."""
    wait_for(f"sshd of {home.name}", lambda: network.is_unplugged(home) or _lets_in(home), [home.keeper])


def follow(lab: Lab) -> None:
    """Let hosts, and who wants to reach them, know of clusters and hosts that came or went."""
    access.write(lab.hosts)
    if lab.hosts:
        services.publish(lab)
    for home in (HostHome(host.name) for host in lab.hosts):
        # One that is off, or boots in this moment, will read of its routes in the state file.
        with contextlib.suppress(LabError):
            network.set_routes(home, lab.clusters)


def down(home: HostHome) -> None:
    """End the host and remove all it left; nothing of its data is kept."""
    leftovers.end_processes(home)
    cgroups.remove(home.unit)
    network.remove(home)
    leftovers.remove_files(home)


def _lets_in(home: HostHome) -> bool:
    pid = home.init.pid()
    # systemd keeps users out until it has gone far enough.
    if pid is None or Path(f"/proc/{pid}/root/run/nologin").exists():
        return False
    try:
        with socket.create_connection((home.address, _SSH_PORT), timeout=1) as connection:
            return connection.recv(len(_SSH_GREETING)) == _SSH_GREETING
    except OSError:
        return False
