# SPDX-License-Identifier: Apache-2.0
"""Programs of the host, with their output in English and an end to waiting."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import NamedTuple, Sequence

#: Where system programs are, also for accounts whose PATH lacks them.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOT_THERE = 127
_TOO_LATE = 124


class Ran(NamedTuple):
    """How a program ended: its code (127 where there is none, 124 where it was too slow) and what it said."""

    code: int
    out: str
    err: str


def program(name: str) -> str | None:
    """The path of a program, or None."""
    return shutil.which(name, path=_PATH)


def run(command: Sequence[str], given: str = "", timeout: float = 10.0) -> Ran:
    """Run a program by its name and arguments, never by a shell."""
    path = program(command[0])
    if path is None:
        return Ran(_NOT_THERE, "", f"{command[0]}: not installed")
    env = {"PATH": _PATH, "LC_ALL": "C", "HOME": os.environ.get("HOME", "/")}
    try:
        done = subprocess.run(
            [path, *command[1:]], input=given, env=env, timeout=timeout, check=False, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return Ran(_TOO_LATE, "", f"{command[0]}: no end within {timeout:g} s")
    except OSError as error:
        return Ran(126, "", f"{path}: {error.strerror}")
    return Ran(done.returncode, done.stdout, done.stderr.strip())


def text_of(path: str, limit: int = 1 << 20) -> str:
    """The text of a file, empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(limit)
    except OSError:
        return ""
