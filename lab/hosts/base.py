# SPDX-License-Identifier: Apache-2.0
"""The base system that all hosts share: made once, mounted below each host's own files, never changed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lab import cache, paths, rootfs, versions
from lab.commands import run
from lab.hosts.home import USER
from lab.oci import architecture
from lab.progress import Progress

# Installed as on any server; who needs one of them starts or enables it.
_NOT_AT_BOOT = ("nginx.service", "mariadb.service", "mariadb.socket")
# What wants devices, a kernel of its own, or a network to look for updates.
_MASKED = (
    *("getty.target", "console-getty.service", "systemd-pstore.service", "systemd-modules-load.service"),
    *("systemd-udevd.service", "systemd-udev-trigger.service", "systemd-remount-fs.service"),
    *("sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount"),
    *("dev-hugepages.mount", "dev-mqueue.mount", "proc-sys-fs-binfmt_misc.automount"),
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer"),
    *("e2scrub_all.timer", "e2scrub_reap.service"),
)
_FILES = {
    "etc/ssh/sshd_config.d/lab.conf": (
        "HostKey /etc/ssh/ssh_host_ed25519_key\n"
        "PermitRootLogin no\n"
        "PasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\n"
    ),
    f"etc/sudoers.d/{USER}": f"{USER} ALL=(ALL) NOPASSWD: ALL\n",
    "etc/cloud/cloud-init.disabled": "Remove this file, give cloud-init a seed, and reboot.\n",
    # Where it runs, it leaves alone what the lab has set up.
    "etc/cloud/cloud.cfg.d/lab.cfg": (
        "datasource_list: [NoCloud, None]\n"
        "network: {config: disabled}\n"
        "preserve_hostname: true\n"
        "ssh_deletekeys: false\n"
        "ssh_genkeytypes: []\n"
        "locale: false\n"
        "apt: {preserve_sources_list: true}\n"
    ),
    # Services must not start while packages are installed.
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
}
# What is made anew for each host, and what only took part in the installation.
_REMOVED = (
    # Hosts reach no mirror.
    "etc/apt/sources.list",
    *("etc/ssh/ssh_host_*", "etc/hostname", "etc/machine-id", "etc/resolv.conf", "usr/sbin/policy-rc.d"),
    *("usr/share/doc/*", "usr/share/locale/*", "usr/share/man/*", "var/cache/apt/*", "var/lib/apt/lists/*"),
)


def directory() -> Path:
    """The root directory of the base system."""
    release = rootfs.release()
    packages = repr((versions.ROOTFS_PACKAGES, versions.HOST_PACKAGES))
    digest = cache.key(release, architecture(), packages, Path(__file__), Path(rootfs.__file__))
    return cache.directory("hosts", release, digest, partial(_build, release)) / "root"


def _build(release: str, into: Path) -> None:
    progress = Progress("hosts", 2)
    root, log = into / "root", paths.cache() / "logs" / "hosts.log"
    log.unlink(missing_ok=True)
    layer = rootfs.base_layer(progress)
    root.mkdir()
    run(["tar", "-C", root, "-xpf", layer], what="unpacking the base layer")
    progress.step("base layer")
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    (root / f"etc/sudoers.d/{USER}").chmod(0o440)
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    progress.note(f"installing packages of {release} (half a minute when cold)")
    # Namespaces of its own: whatever it mounts or starts is gone with it, even when it fails.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-ec", _script()]
    run(command, what="installing the packages of hosts", log=log, env={"DEBIAN_FRONTEND": "noninteractive"}, cwd=root)
    for name in _MASKED:
        (root / "etc/systemd/system" / name).symlink_to("/dev/null")
    progress.step("packages")


def _script() -> str:
    """Runs in the root directory of the system."""
    return "\n".join(
        (
            "mount -t proc proc proc",
            "cp -L /etc/resolv.conf etc/resolv.conf",
            "chroot . apt-get --quiet update",
            # The administrator's choice of a configuration file is the one that is there.
            "chroot . apt-get --quiet --yes --no-install-recommends -o Dpkg::Options::=--force-confold"
            f" install {' '.join(versions.HOST_PACKAGES)}",
            f"chroot . systemctl disable {' '.join(_NOT_AT_BOOT)}",
            f"chroot . useradd --uid 1000 --create-home --shell /bin/bash {USER}",
            "umount proc",
            f"rm -rf {' '.join(_REMOVED)}",
        )
    )
