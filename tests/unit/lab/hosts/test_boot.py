# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.hosts import boot

ROOT = Path("/sys/fs/cgroup")
V1 = [ROOT / name for name in ("cpu,cpuacct", "memory", "systemd", "unified")]
V2 = [ROOT]


@pytest.mark.parametrize("trees", [V1, V2], ids=["v1", "v2"])
def test_a_shell_understands_it(trees):
    script = boot.mounts(trees, "/dev/pts/0", "base")
    subprocess.run(["/bin/sh", "-n", "-c", script], check=True)


def test_every_tree_of_v1_is_there_under_its_name():
    lines = boot.mounts(V1, "/dev/pts/0", "base").splitlines()
    assert "mount -t cgroup -o cpu,cpuacct cgroup sys/fs/cgroup/cpu,cpuacct" in lines
    assert "mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd" in lines
    assert "mount -t cgroup2 cgroup sys/fs/cgroup/unified" in lines


def test_the_tree_of_v2_takes_the_place_of_all():
    lines = boot.mounts(V2, "/dev/pts/0", "base").splitlines()
    assert [line for line in lines if "cgroup" in line] == ["mount -t cgroup2 cgroup2 sys/fs/cgroup"]


def test_settings_are_locked_after_those_of_the_network_are_apart():
    """The other way round these would be read-only, too."""
    lines = boot.mounts(V1, "/dev/pts/0", "base").splitlines()
    apart = lines.index("mount --bind proc/sys/net proc/sys/net")
    locked = next(number for number, line in enumerate(lines) if line.endswith("remount,bind,ro proc/sys"))
    bound = next(number for number, line in enumerate(lines) if line.endswith("--bind proc/sys proc/sys"))
    assert bound < apart < locked


def test_nothing_runs_before_the_machine_is_out_of_sight():
    lines = boot.mounts(V1, "/dev/pts/0", "base").splitlines()
    assert lines.index("umount -l run/machine") < len(lines) - 1
    assert lines[-1].startswith("exec env -i container=lab ")


def test_a_console_with_a_strange_name_is_one_word():
    assert "mount --bind '/dev/a b' dev/console" in boot.mounts(V1, "/dev/a b", "base")
