# SPDX-License-Identifier: Apache-2.0
"""After `down` the machine is as before, whatever came first: a life with reboots, or an `up` that was killed."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from lab import cgroups, paths
from lab.hosts import control
from tests.hosts.conftest import NAMES, UP, run_lab

# They count what happens on the machine.
_VOLATILE = re.compile(r"fs/(dentry-state|file-nr|inode-|quota/)|kernel/(ns_last_pid|pty/nr|random/|perf_)|/mountinfo")
_RUN = paths.RUN


def _settings():
    """All settings of the kernel by their path below /proc/sys."""
    found = {}
    for path in Path("/proc/sys").rglob("*"):
        name = str(path.relative_to("/proc/sys"))
        if not name.startswith("net/") and not _VOLATILE.search(name) and path.is_file():
            with contextlib.suppress(OSError):
                found[name] = path.read_text(errors="replace")
    return found


def _processes():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"lab.hosts.keeper" in words or b"container=lab" in (entry / "environ").read_bytes():
                    yield f"process {entry.name}: {b' '.join(words)[:80]!r}"


def _traces():
    """Whatever may be left of hosts on this machine."""
    places = [_RUN, *(paths.STATE / name for name in NAMES), Path("/sys/class/net/wan"), paths.STATE / "host-services"]
    places += [Path("/run/netns", f"mesh-{name}") for name in NAMES]
    places += [Path("/sys/class/net", f"mesh-{name}") for name in NAMES]
    places += [tree / f"mesh-{name}" for tree in cgroups.hierarchies() for name in NAMES]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [
        *(str(place) for place in places if place.exists()),
        *(line for line in mounts if str(paths.STATE) in line or "mesh-vm" in line),
        *_processes(),
    ]


def test_traces_are_seen(lab):
    """Else the tests below would find nothing in any case."""
    kinds = (str(_RUN), "/run/netns/mesh-vm1", "/sys/fs/cgroup/memory/mesh-vm2", "process")
    found = _traces()
    for kind in kinds if Path("/sys/fs/cgroup/memory").exists() else (kinds[0], kinds[1], kinds[3]):
        assert any(kind in trace for trace in found), (kind, found)


def test_down_leaves_nothing(alone, lab):
    run_lab("down")
    before = _settings()
    run_lab(*UP[3:])
    control.reboot("vm1")
    control.power_off("vm2")
    run_lab("down")
    assert _traces() == []
    after = _settings()
    assert {name: (before.get(name), after[name]) for name in after if after[name] != before.get(name)} == {}


@pytest.mark.parametrize(
    "witness",
    [
        _RUN / "owner",
        _RUN / "vm1" / "keeper.pid",
        Path("/sys/class/net/mesh-vm1"),
        _RUN / "vm2" / "init.pid",
        _RUN / "name-server.pid",
    ],
    ids=lambda path: "-".join(path.parts[-2:]),
)
def test_down_after_a_killed_up(alone, witness):
    run_lab("down")
    with subprocess.Popen(UP, cwd=paths.CHECKOUT, stderr=subprocess.DEVNULL) as up:
        deadline = time.monotonic() + 60
        while not witness.exists() and up.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        assert witness.exists()
        up.kill()
    run_lab("down")
    assert _traces() == []


def test_down_after_a_killed_down(alone, lab):
    run_lab(*UP[3:])
    with subprocess.Popen([*UP[:3], "down"], cwd=paths.CHECKOUT, stderr=subprocess.DEVNULL) as down:
        while (paths.STATE / "vm1").exists() and down.poll() is None:
            time.sleep(0.001)
        down.kill()
    assert _traces() != []
    run_lab("down")
    assert _traces() == []


def test_a_host_ends_with_its_keeper(alone, lab):
    run_lab(*UP[3:])
    keeper = int((_RUN / "vm1" / "keeper.pid").read_text().split()[0])
    os.kill(keeper, 9)
    run_lab(*UP[3:])
    assert control.execute("vm1", "systemctl", "is-system-running", "--wait").stdout.strip() == "running"
    run_lab("down", "vm1")
    assert [trace for trace in _traces() if "vm1" in trace] == []
    assert control.execute("vm2", "true").returncode == 0
