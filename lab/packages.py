# SPDX-License-Identifier: Apache-2.0
"""Debian packages that the lab uses, installed when one of their programs is missing."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from lab import paths
from lab.commands import run
from lab.errors import LabError
from lab.progress import say

# One file that tells that the package is there; a bare name is looked up on PATH.
_ALWAYS = {
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ipset": "ipset",
    "debootstrap": "debootstrap",
    "iproute2": "ip",
    "procps": "sysctl",
    "util-linux": "nsenter",
    "openssh-client": "ssh",
    "dpkg": "dpkg-deb",
    "rpm": "rpmbuild",
    "createrepo-c": "createrepo_c",
}
#: For programs that have parts in C.
COMPILER = {"gcc": "gcc", "libc6-dev": "/usr/include/stdio.h"}


def ensure(wanted: Mapping[str, str] = _ALWAYS) -> None:
    """Install what is missing, with one refresh of the package lists if the first try fails."""
    missing = [package for package, witness in wanted.items() if not _present(witness)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LabError(f"missing: {', '.join(missing)}; install them (names are Debian's) and run again.")
    say(f"installing {' '.join(missing)}")
    log = paths.cache() / "logs" / "apt.log"
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(install, what="apt-get install", log=log, env=env)
    except LabError:
        run(["apt-get", "update"], what="apt-get update", log=log, env=env)
        run(install, what="apt-get install", log=log, env=env)


def _present(witness: str) -> bool:
    return Path(witness).exists() if witness.startswith("/") else shutil.which(witness) is not None
