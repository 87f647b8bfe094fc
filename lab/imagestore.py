# SPDX-License-Identifier: Apache-2.0
"""A containerd root directory that has the images already; nodes start from hard links to it.

Importing takes seconds of every core for each cluster. Blobs and unpacked layers never change once they are written,
so clusters can share their files; only containerd's databases are copied.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from lab.commands import run, succeeds
from lab.process import Process
from lab.waiting import wait_for

_CONFIG = """version = 3
root = "{root}"
state = "{work}/state"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]
[grpc]
  address = "{work}/sock"
[ttrpc]
  address = "{work}/sock.ttrpc"
"""
_DATABASES = "*.db"


def build(programs: dict[str, Path], archive: Path, root: Path) -> None:
    """Let a containerd of its own import the archive into that root directory."""
    work = Path(tempfile.mkdtemp(prefix="meshops-lab-"))
    config, socket = work / "config.toml", work / "sock"
    config.write_text(_CONFIG.format(root=root, work=work), encoding="utf-8")
    containerd = Process("containerd", work / "containerd.pid", work / "containerd.log")
    client = [str(part) for part in (programs["ctr"], "-a", socket, "-n", "k8s.io")]
    try:
        # A mount namespace of its own: whatever it mounts is gone with it.
        containerd.start(["unshare", "--mount", programs["containerd"], "--config", config, "--log-level", "warn"])
        wait_for("containerd for the image store", lambda: succeeds([*client, "version"]), [containerd])
        run([*client, "images", "import", archive], what=f"importing {archive}")
    finally:
        containerd.stop()
        shutil.rmtree(work, ignore_errors=True)


def clone(seed: Path, target: Path) -> None:
    """Fill a node's containerd root directory from the seed; one that was filled before is left alone."""
    if target.exists() and any(target.iterdir()):
        return
    temporary = target.with_name(f"{target.name}.new")
    run(["rm", "-rf", temporary], what=f"removing {temporary}")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    same_disk = seed.stat().st_dev == temporary.parent.stat().st_dev
    run(["cp", "-al" if same_disk else "-a", seed, temporary], what=f"copying the images to {target}")
    if same_disk:
        for database in temporary.rglob(_DATABASES):
            if database.parent.parent == temporary:
                copy = database.with_suffix(".copy")
                shutil.copy2(database, copy)
                copy.replace(database)
    if target.exists():
        target.rmdir()
    temporary.rename(target)
