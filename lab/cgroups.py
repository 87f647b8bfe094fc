# SPDX-License-Identifier: Apache-2.0
"""Cgroups: one per cluster, under which its kubelet puts all pods, and per host; cgroup v1 and v2."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from lab.errors import LabError
from lab.process import end

_ROOT = Path("/sys/fs/cgroup")
_MEMBERS = "cgroup.procs"
_CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
_V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")


def hierarchies(root: Path = _ROOT) -> list[Path]:
    """The places a cgroup has to be made in: the one tree of v2, or every mounted tree of v1."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink() and os.path.ismount(path))


def create(name: str) -> None:
    """The cgroup (of a cgroup that there is) in every hierarchy, ready for a kubelet or systemd to work under it."""
    trees = hierarchies()
    if not trees:
        raise LabError(f"no cgroup hierarchy is mounted under {_ROOT}; mount cgroup2 there and run again.")
    for tree in trees:
        group = tree / name
        if tree == _ROOT:
            _enable_controllers(group.parent)
        group.mkdir(exist_ok=True)
        for file in _CPUSET_FILES:
            # v1 starts a cpuset empty, and nothing can run in an empty one.
            if tree != _ROOT and (tree / file).exists() and not (group / file).read_text(encoding="ascii").strip():
                (group / file).write_text((tree / file).read_text(encoding="ascii"), encoding="ascii")


def enter(name: str) -> None:
    """Move this process into the cgroup."""
    for tree in hierarchies():
        (tree / name / _MEMBERS).write_text("0", encoding="ascii")


def remove(name: str) -> None:
    """End every process in the cgroup, then remove it with all below it."""
    deadline = time.monotonic() + 20
    while found := processes(name):
        end(found)
        if time.monotonic() > deadline:
            raise LabError(f"processes {sorted(found)} in cgroup {name} do not end; end them and run down again.")
    for tree in hierarchies():
        group = tree / name
        if not group.exists():
            continue
        for directory, _, _ in os.walk(group, topdown=False):
            _remove_directory(Path(directory), deadline)


def processes(name: str) -> set[int]:
    """The pids in the cgroup and below, in any hierarchy."""
    found: set[int] = set()
    for tree in hierarchies():
        for directory, _, _ in os.walk(tree / name):
            with contextlib.suppress(OSError):
                text = Path(directory, _MEMBERS).read_text(encoding="ascii")
                found.update(int(line) for line in text.split())
    return found - {0}


def _enable_controllers(tree: Path) -> None:
    available = (tree / "cgroup.controllers").read_text(encoding="ascii").split()
    control = tree / "cgroup.subtree_control"
    missing = set(_V2_CONTROLLERS) & set(available) - set(control.read_text(encoding="ascii").split())
    for controller in sorted(missing):
        try:
            control.write_text(f"+{controller}", encoding="ascii")
        except OSError as error:
            raise LabError(
                f"cgroup controller {controller} cannot be delegated from {tree} ({error.strerror}); "
                "move the processes of the root cgroup into a child cgroup and run again."
            ) from error


def _remove_directory(directory: Path, deadline: float) -> None:
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            # The kernel needs a moment after the last process has gone.
            if time.monotonic() > deadline:
                raise LabError(f"cgroup {directory} is busy ({error.strerror}); run down again.") from error
            time.sleep(0.05)
        else:
            return
