# SPDX-License-Identifier: Apache-2.0
"""What is machine-wide: one owner and one command at a time, mount points, and kernel settings to be put back."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from lab import cache, nodefs, paths
from lab.commands import run, succeeds
from lab.errors import LabError
from lab.home import NETWORK_NAMESPACES, PREFIX
from lab.process import Process

_OWNER = paths.RUN / "owner"
_LOCK = paths.RUN.with_name(paths.RUN.name + ".lock")
_MADE = paths.RUN / "made-directories"
_SETTINGS = paths.RUN / "kernel-settings"
# A kubelet sets these for the whole machine.
_KUBELET_SETTINGS = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops")
# Every API server, kubelet and containerd watches files; the usual 128 are not enough for many clusters.
_WATCHERS, _ENOUGH_WATCHERS = "fs/inotify/max_user_instances", 2048


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """One command at a time changes the machine, from whatever checkout."""
    with cache.locked(_LOCK):
        yield


def check_owner() -> None:
    """Namespaces and addresses are machine-wide, so only one checkout can have its lab up."""
    owner = _owner()
    if owner != paths.CHECKOUT and owner.exists() and _alive():
        raise LabError(f"the lab of {owner} is up on this machine; run `python -m lab down` there first.")


def abandoned() -> bool:
    """Whether another checkout left its lab behind: namespaces and directories, but no process."""
    return _owner() != paths.CHECKOUT and not _alive() and bool(names())


def prepare() -> None:
    """Become the owner; make the mount points that nodes need; remember what a kubelet will change; allow many to
    watch files."""
    paths.RUN.mkdir(parents=True, exist_ok=True)
    _OWNER.write_text(f"{paths.CHECKOUT}\n", encoding="utf-8")
    for directory in nodefs.DIRECTORIES:
        missing = [path for path in (Path(directory), *Path(directory).parents) if not path.exists()]
        with _MADE.open("a", encoding="utf-8") as made:
            made.writelines(f"{path}\n" for path in missing)
        Path(directory).mkdir(parents=True, exist_ok=True)
    _prepare_namespaces()
    if not _SETTINGS.exists():
        values = [f"{name} {_setting(name).read_text(encoding='ascii')}" for name in (*_KUBELET_SETTINGS, _WATCHERS)]
        _SETTINGS.write_text("".join(values), encoding="utf-8")
    if int(_setting(_WATCHERS).read_text(encoding="ascii")) < _ENOUGH_WATCHERS:
        _setting(_WATCHERS).write_text(f"{_ENOUGH_WATCHERS}\n", encoding="ascii")


def _prepare_namespaces() -> None:
    """What the first `ip netns add` does; two of them at once would mount one directory over the other."""
    shared: list[str | Path] = ["mount", "--make-shared", NETWORK_NAMESPACES]
    if not succeeds(shared):
        what = f"making {NETWORK_NAMESPACES} a mount point"
        run(["mount", "--bind", NETWORK_NAMESPACES, NETWORK_NAMESPACES], what=what)
        run(shared, what=what)


def restore() -> None:
    """Undo prepare, after the last cluster and host."""
    if NETWORK_NAMESPACES.is_dir() and not any(NETWORK_NAMESPACES.iterdir()):
        # The first namespace makes it a mount point again.
        succeeds(["umount", NETWORK_NAMESPACES])
    if _MADE.exists():
        made = {Path(line) for line in _MADE.read_text(encoding="utf-8").splitlines()}
        for directory in sorted(made, reverse=True):
            with contextlib.suppress(OSError):
                directory.rmdir()
    if _SETTINGS.exists():
        for line in _SETTINGS.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(" ")
            with contextlib.suppress(OSError):
                _setting(name).write_text(value, encoding="ascii")
    shutil.rmtree(paths.RUN, ignore_errors=True)


def names() -> list[str]:
    """Clusters and hosts that this machine has any trace of, finished or not."""
    namespaces = [path.name.removeprefix(PREFIX) for path in NETWORK_NAMESPACES.glob(f"{PREFIX}*")]
    directories = [path.name for path in paths.RUN.glob("*") if path.is_dir()]
    return sorted({*namespaces, *directories})


def _owner() -> Path:
    return Path(_OWNER.read_text(encoding="utf-8").strip()) if _OWNER.exists() else paths.CHECKOUT


def _alive() -> bool:
    """Whether any process of the lab runs."""
    return any(Process(file.stem, file, file).pid() for file in paths.RUN.rglob("*.pid"))


def _setting(name: str) -> Path:
    return Path("/proc/sys") / name
