# SPDX-License-Identifier: Apache-2.0
"""What makes of the base system one that takes its packages as rpm, by dnf, and says that it is of Red Hat's family.

A layer above the base, made once, for those hosts alone. Below it all stays Debian, and so is what runs there; but for
people, Ansible and this project's own code it is a Rocky Linux: by os-release, by the programs for packages that there
are, by /bin/sh, and by dnf's settings as that system ships them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lab import cache, paths, rootfs, rpm, versions
from lab.commands import run
from lab.hosts import base
from lab.progress import Progress

_VERSION, _NAME = "9.6", "Blue Onyx"
_FILES = {
    "usr/lib/os-release": (
        'NAME="Rocky Linux"\n'
        f'VERSION="{_VERSION} ({_NAME})"\n'
        'ID="rocky"\n'
        'ID_LIKE="rhel centos fedora"\n'
        f'VERSION_ID="{_VERSION}"\n'
        'PLATFORM_ID="platform:el9"\n'
        f'PRETTY_NAME="Rocky Linux {_VERSION} as the lab has it: Debian with rpm"\n'
    ),
    "etc/redhat-release": f"Rocky Linux release {_VERSION} ({_NAME})\n",
    # Debian keeps the database in the home of whoever asks.
    "etc/rpm/macros": "%_dbpath /var/lib/rpm\n",
    "etc/dnf/dnf.conf": (
        "[main]\n"
        "gpgcheck=1\n"
        "installonly_limit=3\n"
        "clean_requirements_on_remove=True\n"
        "best=True\n"
        "skip_if_unavailable=False\n"
    ),
}
# Stands for what Debian has installed, for packages that depend on it; its version is what dnf calls the release.
_STAND_IN = f"""Name: lab-release
Version: {_VERSION}
Release: 1
Summary: What Debian has installed here
License: Apache-2.0
BuildArch: noarch
Provides: system-release = {_VERSION}
Provides: system-release(releasever) = {_VERSION.partition(".")[0]}
Provides: iproute
Provides: iptables
Provides: sudo
Provides: hostname
Provides: /bin/sh

%description
Packages of rpm know of no others.

%files
"""
_REMOVED = (
    # No other way to install anything.
    *("usr/bin/apt", "usr/bin/apt-*", "usr/bin/dpkg", "usr/bin/dpkg-*"),
    *("etc/debian_version", "etc/apt/sources.list", "etc/resolv.conf"),
    *("usr/share/doc/*", "usr/share/locale/*", "usr/share/man/*", "var/cache/apt/*", "var/lib/apt/lists/*"),
)


def layer() -> Path:
    """The directory with what lies above the base system."""
    release, below = rootfs.release(), base.directory()
    made_by = [Path(file) for file in (__file__, rpm.__file__)]
    digest = cache.key(below.parent.name, repr(versions.RPM_HOST_PACKAGES), *made_by)
    return cache.directory("hosts", f"rpm-{release}", digest, partial(_build, release, below)) / "layer"


def _build(release: str, below: Path, into: Path) -> None:
    progress = Progress("hosts with rpm", 1)
    log = paths.cache() / "logs" / "hosts-rpm.log"
    log.unlink(missing_ok=True)
    for name in ("layer", "work", "root"):
        (into / name).mkdir()
    # A relative name spares what mount options say of special characters in paths.
    (into / "base").symlink_to(below)
    rpm.build(_STAND_IN, into)
    for name, text in _FILES.items():
        (into / "layer" / name).parent.mkdir(parents=True, exist_ok=True)
        (into / "layer" / name).write_text(text, encoding="utf-8")
    progress.note("installing dnf (half a minute when cold)")
    # Namespaces of its own: whatever it mounts or starts is gone with it, even when it fails.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-ec", _script(release)]
    run(command, what="installing dnf for hosts", log=log, env={"DEBIAN_FRONTEND": "noninteractive"}, cwd=into)
    progress.step("dnf")


def _script(release: str) -> str:
    """Runs in the directory in which the layer comes to be."""
    return "\n".join(
        (
            "mount -t overlay overlay -o lowerdir=base,upperdir=layer,workdir=work root",
            "cd root",
            "mount -t proc proc proc",
            "cp -L /etc/resolv.conf etc/resolv.conf",
            f"echo 'deb {rootfs.mirror(release)} {release} main' >etc/apt/sources.list",
            "chroot . apt-get --quiet update",
            # Settings and the name of the system are those that are there.
            "chroot . apt-get --quiet --yes --no-install-recommends -o Dpkg::Options::=--force-confold"
            f" install {' '.join(versions.RPM_HOST_PACKAGES)}",
            "ln -sf bash usr/bin/sh",
            "mkdir -p etc/yum.repos.d",
            "cp ../lab-release-*.rpm tmp",
            # Debian's rpm warns of mixing both kinds, and rightly.
            "chroot . /bin/sh -c 'rpm --install --force-debian /tmp/lab-release-*.rpm'",
            "rm tmp/lab-release-*.rpm",
            "umount proc",
            f"rm -rf {' '.join(_REMOVED)}",
            "cd ..",
            "umount root",
            "rm -r root work base lab-release-*.rpm",
        )
    )
