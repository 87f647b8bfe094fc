# SPDX-License-Identifier: Apache-2.0
"""Ends and removes what a cluster or a host may have left, from any half-done state."""

from __future__ import annotations

import shutil
import time

from lab import cgroups
from lab.commands import run
from lab.errors import LabError
from lab.home import Home
from lab.process import end, in_network_namespace

_END_SECONDS = 20


def end_processes(home: Home) -> None:
    """Whatever has a pid file, or lives in its network namespace or cgroup, is its own."""
    deadline = time.monotonic() + _END_SECONDS
    while found := _recorded(home) | in_network_namespace(home.network_namespace) | cgroups.processes(home.unit):
        end(found)
        if time.monotonic() > deadline:
            raise LabError(f"processes {sorted(found)} of {home.name} do not end; end them and run down again.")


def remove_files(home: Home) -> None:
    """Its data and its pid files."""
    if home.root.exists():
        run(["rm", "-rf", "--one-file-system", home.root], what=f"removing {home.root}")
    shutil.rmtree(home.run, ignore_errors=True)


def _recorded(home: Home) -> set[int]:
    pids = (home.process(file.stem).pid() for file in home.run.glob("*.pid"))
    return {pid for pid in pids if pid is not None}
