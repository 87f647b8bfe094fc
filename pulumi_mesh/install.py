# SPDX-License-Identifier: Apache-2.0
"""Makes the provider known to the engine without an activated virtual environment.

The engine looks for ``pulumi-resource-mesh`` on PATH, where an activated environment has it, and then in
``$PULUMI_HOME/plugins/resource-mesh-v<version>``.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sys
from pathlib import Path

from ._version import VERSION

PROGRAM = "pulumi-resource-mesh"
_MODULE = "pulumi_mesh.provider"


def directory() -> Path:
    """Where the engine looks for this version."""
    return _home() / "plugins" / f"resource-mesh-v{VERSION}"


def _home() -> Path:
    """Raises OSError."""
    given = os.environ.get("PULUMI_HOME")
    if given:
        return Path(given)
    try:
        return Path.home() / ".pulumi"
    except RuntimeError:
        raise OSError(errno.ENOENT, "there is no home directory; set PULUMI_HOME", "~") from None


def install() -> Path:
    """Write the launcher, in one step."""
    where = directory()
    where.mkdir(parents=True, exist_ok=True)
    launcher, text = where / PROGRAM, f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {_MODULE} "$@"\n'
    if os.name == "nt":
        launcher, text = where / f"{PROGRAM}.cmd", f'@"{sys.executable}" -m {_MODULE} %*\r\n'
    new = launcher.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.chmod(0o755)
    new.replace(launcher)
    return launcher


def uninstall() -> Path:
    """Remove it, if it is there."""
    where = directory()
    if where.exists():
        shutil.rmtree(where)
    return where
