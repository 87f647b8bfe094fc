# SPDX-License-Identifier: Apache-2.0
"""A node's own view of the file system: where programs and charts expect a node's directories, it has its own.

Two nodes on one machine would overwrite each other's CNI configuration, sockets and volumes. A mount namespace per
node gives each its own copies at the usual absolute paths; it vanishes with its last process, mounts included.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from lab import paths
from lab.errors import LabError
from lab.home import Home
from lab.waiting import wait_for

DIRECTORIES = (
    "/etc/cni/net.d",
    "/opt/cni/bin",
    "/run/containerd",
    "/run/istio-cni",
    "/run/netns",
    "/run/spire",
    "/run/ztunnel",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/lib/networkservicemesh",
    "/var/log/containers",
    "/var/log/pods",
)
_CNI_PLUGINS = Path("/usr/lib/cni")


def start(home: Home) -> None:
    """Start the process that holds the node's namespaces, and wait until its mounts are made."""
    for directory in DIRECTORIES:
        (home.node / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
    _link_cni_plugins(home.node / "opt/cni/bin")
    holder = home.process("node")
    command = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", _script(home)]
    holder.start(home.in_network(*command))
    wait_for(f"file system of node {home.name}", lambda: _is_set_up(holder.pid()), [holder], timeout_seconds=20)


def _script(home: Home) -> str:
    binds = [
        f"mount --bind {shlex.quote(str(home.node / directory.lstrip('/')))} {directory}" for directory in DIRECTORIES
    ]
    # Inside, mounts of containerd and kubelet have to reach each other; outside, nothing of it is seen.
    return "\n".join([*binds, "mount --make-rshared /", "exec sleep infinity"])


def _is_set_up(pid: int | None) -> bool:
    try:
        return pid is not None and Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == "sleep"
    except OSError:
        return False


def _link_cni_plugins(directory: Path) -> None:
    if not _CNI_PLUGINS.is_dir():
        raise LabError(f"{_CNI_PLUGINS} is missing; install the Debian package containernetworking-plugins.")
    for plugin in _CNI_PLUGINS.iterdir():
        link = directory / plugin.name
        if not link.exists() and not link.is_symlink():
            os.symlink(plugin, link)


def checkout_is_hidden() -> bool:
    """Whether a node's own directories would hide the checkout, and with it the node's own data."""
    return any(paths.CHECKOUT.is_relative_to(directory) for directory in DIRECTORIES)
