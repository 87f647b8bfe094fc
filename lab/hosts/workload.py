# SPDX-License-Identifier: Apache-2.0
"""The shop's program as a service of a host that knows of no mesh."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab import gotools
from lab.commands import run
from lab.hosts.home import HostHome

_PROGRAM, _UNIT = "/opt/shop", "/etc/systemd/system/shop.service"
_TEXT = """[Unit]
Description=A service of the shop
After=network.target

[Service]
ExecStart={program}
Environment=SERVICE={service} VERSION={version}
DynamicUser=yes
Restart=always

[Install]
WantedBy=multi-user.target
"""


def install(name: str, service: str, version: str) -> None:
    """Have the host run a service of the shop (``ratings``) that calls itself by a version; again, nothing changes."""
    _put(name, _TEXT.format(program=_PROGRAM, service=service, version=version).encode(), _UNIT)
    if subprocess.run(HostHome(name).inside("test", "-x", _PROGRAM), check=False).returncode:
        _put(name, gotools.build(["shop"])["shop"].read_bytes(), _PROGRAM)
        _tell(name, "chmod", "755", _PROGRAM)
        _tell(name, "systemctl", "daemon-reload")
    _tell(name, "systemctl", "enable", "--now", "shop")


def remove(name: str) -> None:
    """Take it away again."""
    _tell(name, "systemctl", "disable", "--now", "shop")
    _tell(name, "rm", "--force", _PROGRAM, _UNIT)


def _put(name: str, content: bytes, path: str | Path) -> None:
    subprocess.run(HostHome(name).inside("sh", "-c", 'cat >"$0"', str(path)), input=content, check=True)


def _tell(name: str, *command: str) -> None:
    run(HostHome(name).inside(*command), what=f"{command[0]} in {name}")
