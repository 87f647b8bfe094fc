# SPDX-License-Identifier: Apache-2.0
"""A host's own files, put there once, before its first boot; from then on they are the host's."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from lab.addresses import BRIDGE_ADDRESS
from lab.commands import run
from lab.hosts import keys
from lab.hosts.home import USER, HostHome

_USER_ID = 1000
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


def create(home: HostHome, authorized_key: str, system: Path, layer: Path | None = None) -> None:
    """Make the directory with the host's own files, unless it is there: complete or not at all; and link what lies
    below them."""
    if home.upper.exists():
        return
    for directory in (home.work, home.mount_point):
        directory.mkdir(parents=True, exist_ok=True)
    # Relative names of directories spare what mount options say of special characters in paths.
    for link, target in ((home.base, system), (home.layer, layer)):
        link.unlink(missing_ok=True)
        if target is not None:
            link.symlink_to(target)
    temporary = home.upper.with_name("upper.new")
    run(["rm", "-rf", "--one-file-system", temporary], what=f"removing {temporary}")
    private, public = keys.generate(home.name)
    _write(temporary, HOST_KEY, private, 0o600)
    _write(temporary, f"{HOST_KEY}.pub", public)
    _write(temporary, "etc/hostname", f"{home.name}\n")
    _write(temporary, "etc/hosts", f"127.0.0.1 localhost\n{home.address} {home.name}\n")
    # With an identifier it is no first boot, at which systemd would enable every service there is.
    _write(temporary, "etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
    _write(temporary, "etc/resolv.conf", f"nameserver {BRIDGE_ADDRESS}\n")
    _write(temporary, f"home/{USER}/.ssh/authorized_keys", authorized_key, 0o600)
    ssh = temporary / "home" / USER / ".ssh"
    ssh.chmod(0o700)
    for path in (ssh.parent, ssh, ssh / "authorized_keys"):
        shutil.chown(path, _USER_ID, _USER_ID)
    temporary.rename(home.upper)


def public_key(home: HostHome) -> str | None:
    """Its host key, in the one line that clients compare; nothing for a host that is half removed."""
    file = home.upper / f"{HOST_KEY}.pub"
    return file.read_text(encoding="ascii").strip() if file.exists() else None


def _write(root: Path, name: str, text: str, mode: int = 0o644) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
