# SPDX-License-Identifier: Apache-2.0
"""What kind of system the host is."""

from __future__ import annotations

import grp
import os
import platform
import pwd
import shlex
from typing import Any

from .running import run, text_of

#: By word of ID and ID_LIKE in os-release(5) the family whose packages it takes.
_FAMILIES = {
    "debian": "debian",
    "ubuntu": "debian",
    "rhel": "redhat",
    "fedora": "redhat",
    "centos": "redhat",
    "amzn": "redhat",
}
#: As kernels say it -> as packages and Go do.
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def operating_system(text: str) -> dict[str, str]:
    """``{id, version, family}`` of the text of /etc/os-release."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[key.strip()] = "".join(_words(value))
    words = [found.get("ID", ""), *found.get("ID_LIKE", "").split()]
    family = next((_FAMILIES[word] for word in words if word in _FAMILIES), "other")
    return {"id": words[0], "version": found.get("VERSION_ID", ""), "family": family}


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return [value]


def architecture() -> str:
    """``amd64``, ``arm64``, or what the kernel says."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def service_manager() -> str:
    """``systemd`` where it is PID 1 (sd_booted(3)), else ``none``."""
    return "systemd" if os.path.isdir("/run/systemd/system") else "none"


def nameservers(text: str) -> list[str]:
    """Addresses that the text of /etc/resolv.conf names."""
    lines = (line.split() for line in text.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def resolved(active: bool, servers: list[str], switch: str) -> dict[str, bool]:
    """``{active, stub, nss}``: whether systemd-resolved runs, stands in resolv.conf, and is asked past DNS by
    nss-resolve (``switch`` is the text of /etc/nsswitch.conf)."""
    hosts = next((line.partition(":")[2].split() for line in switch.splitlines() if line.startswith("hosts:")), [])
    ends = hosts.index("dns") if "dns" in hosts else len(hosts)
    return {
        "active": active,
        "stub": any(server.startswith("127.0.0.53") for server in servers),
        "nss": active and "resolve" in hosts[:ends],
    }


def _runs(unit: str) -> bool:
    return service_manager() == "systemd" and run(["systemctl", "is-active", unit]).code == 0


def free_bytes(path: str) -> int:
    """What an ordinary write can still take on the file system of a path that need not exist yet."""
    while not os.path.exists(path):
        path = os.path.dirname(path) or "/"
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def account(name: str) -> dict[str, bool]:
    """Whether there are a user and a group of that name."""
    return {"user": _known(pwd.getpwnam, name), "group": _known(grp.getgrnam, name)}


def _known(lookup: Any, name: str) -> bool:
    try:
        lookup(name)
    except KeyError:
        return False
    return True


def look() -> dict[str, Any]:
    """All of this of the host."""
    servers = nameservers(text_of("/etc/resolv.conf"))
    return {
        "os": operating_system(text_of("/etc/os-release") or text_of("/usr/lib/os-release")),
        "architecture": architecture(),
        "python": platform.python_version(),
        "service_manager": service_manager(),
        "nameservers": servers,
        "systemd_resolved": resolved(_runs("systemd-resolved"), servers, text_of("/etc/nsswitch.conf")),
    }
