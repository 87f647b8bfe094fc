# SPDX-License-Identifier: Apache-2.0
"""What it takes to boot a host: namespaces, its file systems, and systemd as its first process."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from lab import cgroups
from lab.hosts.home import HostHome

# The kernel is the machine's: its clock, modules and log are not the host's.
_NOT_ALLOWED = "-sys_module,-sys_time,-sys_rawio,-syslog,-wake_alarm,-mac_admin,-mac_override,-block_suspend"
# Below these, settings hold for the whole machine; but for those of the network, of which the host has its own.
_READ_ONLY = ("sys", "sysrq-trigger", "irq", "bus", "fs")
_DEVICES = {"null": "1 3", "zero": "1 5", "full": "1 7", "random": "1 8", "urandom": "1 9", "tty": "5 0"}
_LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_ENVIRONMENT = "container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 TERM=dumb"


def command(home: HostHome, console: str) -> list[str]:
    """Boots the host when run in its directory; ends as its first process does, and with whoever started it."""
    trees = cgroups.hierarchies()
    # Only its first process is in the cgroup: systemd has to be able to move all that it finds there.
    enter = [f"echo 0 >{shlex.quote(str(tree / home.group / 'cgroup.procs'))}" for tree in trees]
    own = "exec unshare --mount --uts --ipc --cgroup --propagation private /bin/sh -ec"
    lower = ":".join(layer.name for layer in home.lower)
    script = "\n".join([*enter, f"{own} {shlex.quote(mounts(trees, console, lower))}"])
    return [
        *("setpriv", "--pdeathsig", "KILL", f"--bounding-set={_NOT_ALLOWED}"),
        *("nsenter", f"--net={home.network_namespace}"),
        *("unshare", "--pid", "--fork", "--kill-child"),
        *home.init.recorded(),
        *("/bin/sh", "-ec", script),
    ]


def mounts(trees: Sequence[Path], console: str, lower: str) -> str:
    """Makes the host's file systems, in the directory with its `upper`, what is `lower`, `work` and `root`; becomes
    systemd."""
    return "\n".join(
        (
            f"mount -t overlay overlay -o lowerdir={lower},upperdir=upper,workdir=work root",
            "cd root",
            *_proc(),
            # Read-only, this tells systemd that devices are not its own.
            "mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys",
            *_cgroups(trees),
            *_dev(console),
            "mount -t tmpfs -o mode=755,nosuid,nodev,size=128m tmpfs run",
            *_boot_id(),
            "mkdir run/machine",
            "pivot_root . run/machine",
            "cd /",
            "umount -l run/machine",
            "rmdir run/machine",
            f"exec env -i {_ENVIRONMENT} /lib/systemd/systemd </dev/null >/dev/console 2>&1",
        )
    )


def _proc() -> list[str]:
    binds = [f"[ ! -e proc/{name} ] || mount --bind proc/{name} proc/{name}" for name in _READ_ONLY]
    locks = [f"[ ! -e proc/{name} ] || mount -o remount,bind,ro proc/{name}" for name in _READ_ONLY]
    return ["mount -t proc -o nosuid,nodev,noexec proc proc", *binds, "mount --bind proc/sys/net proc/sys/net", *locks]


def _boot_id() -> list[str]:
    """The kernel's own stays the same when a host reboots, and by it journald and Ansible tell that it has."""
    target = "proc/sys/kernel/random/boot_id"
    return [
        "cat proc/sys/kernel/random/uuid >run/boot-id",
        f"mount --bind run/boot-id {target}",
        f"mount -o remount,bind,ro {target}",
        "rm run/boot-id",
    ]


def _cgroups(trees: Sequence[Path]) -> list[str]:
    """The trees of v1, each under its name, or the only one of v2."""
    if len(trees) == 1:
        return ["mount -t cgroup2 cgroup2 sys/fs/cgroup"]
    kinds = {"systemd": "cgroup -o none,name=systemd", "unified": "cgroup2"}
    lines = ["mount -t tmpfs -o mode=755,nosuid,nodev,noexec tmpfs sys/fs/cgroup"]
    for name in (tree.name for tree in trees):
        lines.append(f"mkdir sys/fs/cgroup/{name}")
        lines.append(f"mount -t {kinds.get(name, f'cgroup -o {name}')} cgroup sys/fs/cgroup/{name}")
    return lines


def _dev(console: str) -> list[str]:
    return [
        "mount -t tmpfs -o mode=755,nosuid,size=1m tmpfs dev",
        *(f"mknod -m 666 dev/{name} c {numbers}" for name, numbers in _DEVICES.items()),
        "mkdir dev/pts dev/shm",
        "mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts",
        "mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm",
        *(f"ln -s {target} dev/{name}" for name, target in _LINKS.items()),
        "touch dev/console",
        f"mount --bind {shlex.quote(console)} dev/console",
    ]
