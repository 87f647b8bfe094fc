# SPDX-License-Identifier: Apache-2.0
"""Starts programs that listen at an address of this machine, and tells when somebody else does."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.process import Process
from lab.waiting import wait_for


def start(
    process: Process, address: str, port: int, command: Sequence[str | Path], env: Mapping[str, str] | None = None
) -> None:
    """Start the program unless it runs, and return when it listens."""
    if process.pid() is None and _listens(address, port):
        raise LabError(f"port {port} of {address} is in use, but {process.name} needs it; end the program that has it.")
    process.start(command, env=env)
    wait_for(process.name, lambda: _listens(address, port), [process], timeout_seconds=20)


def of_files(directory: Path, address: str, port: int) -> list[str]:
    """The command that serves a directory over HTTP."""
    place = ["--bind", address, "--directory", str(directory)]
    return [sys.executable, "-m", "http.server", str(port), *place]


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0
