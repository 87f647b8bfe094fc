# SPDX-License-Identifier: Apache-2.0
"""Looks before anything is changed: can the lab work on this machine at all?"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lab import nodefs, paths
from lab.errors import LabError

_CAP_NET_ADMIN, _CAP_SYS_ADMIN = 12, 21
_COLD_BYTES, _CLUSTER_BYTES = 12 * 2**30, 2 * 2**30
_CLUSTER_MEMORY_KB, _BARE_MEMORY_KB, _HOST_MEMORY_KB, _DOMAIN_MEMORY_KB = 1_500_000, 500_000, 100_000, 250_000


def check(*, nodes: int, bare: int, hosts: int, domains: int = 0) -> None:
    """Raise an error with the remedy for the first thing missing; so many clusters come with and without a node, so
    many hosts, and so many domains."""
    _check_privileges()
    if nodefs.checkout_is_hidden():
        raise LabError(f"the checkout {paths.CHECKOUT} lies under a directory that each node has of its own; move it.")
    cold = not (paths.cache() / "images").is_dir()
    _check_disk(paths.cache(), _COLD_BYTES if cold else 0, "the lab's caches (XDG_CACHE_HOME moves them)")
    _check_disk(paths.CHECKOUT, _CLUSTER_BYTES * nodes, f"{nodes} clusters")
    available = _available_memory_kb()
    needed = _CLUSTER_MEMORY_KB * nodes + _BARE_MEMORY_KB * bare + _HOST_MEMORY_KB * hosts
    needed += _DOMAIN_MEMORY_KB * domains
    if available < needed:
        raise LabError(
            f"{available // 1024} MiB of memory are free, {nodes + bare} clusters, {hosts} hosts and {domains} "
            f"domains need {needed // 1024}; end other programs or start fewer."
        )


def _check_privileges() -> None:
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and mounts, so it must run as root; run it with sudo.")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    effective = int(line.split()[1], 16)
    for name, bit in (("CAP_NET_ADMIN", _CAP_NET_ADMIN), ("CAP_SYS_ADMIN", _CAP_SYS_ADMIN)):
        if not effective >> bit & 1:
            raise LabError(f"root here lacks {name} (a container?); run on a host or in a privileged container.")


def _check_disk(path: Path, needed: int, what: str) -> None:
    existing = next(candidate for candidate in (path, *path.parents) if candidate.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise LabError(f"{free / 2**30:.1f} GiB are free at {existing}, {what} need {needed / 2**30:.0f}; free some.")


def _available_memory_kb() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1])
    return 0
