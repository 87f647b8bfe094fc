# SPDX-License-Identifier: Apache-2.0
"""Where tests find collections: trees inside the virtual environment.

`collections` is for working: kubernetes.core, and a link to this checkout, so it is always current.
`built` is for proving: what `ansible-galaxy collection build` would ship, unpacked as a user would get it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = Path(sys.prefix)
COLLECTIONS = VENV / "collections"
BUILT = VENV / "built"
OURS = Path("ansible_collections/meshops/mesh")
KUBERNETES = Path("ansible_collections/kubernetes")

# All that may stand at the top of the tarball: what is new in the repository is ignored in galaxy.yml or named here.
SHIPPED = {
    *("MANIFEST.json", "FILES.json", "README.md", "CHANGELOG.rst", "LICENSE", "LICENSES", ".ansible-lint", ".yamllint"),
    *("changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests"),
}


def install_dependencies() -> None:
    """Unpacks kubernetes.core from the `ansible` wheel and links the checkout beside it."""
    with tempfile.TemporaryDirectory() as scratch:
        # Only unpacked, so it does not matter which Python the wheel is for.
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--dest", scratch]
        requirements = str(ROOT / "requirements" / "collections.txt")
        subprocess.run([sys.executable, "-m", "pip", "download", *options, "-r", requirements], check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            wanted = f"{KUBERNETES.as_posix()}/core/"
            archive.extractall(COLLECTIONS, [name for name in archive.namelist() if name.startswith(wanted)])
    _link(COLLECTIONS / OURS, ROOT)


def build(output: Path) -> Path:
    """Builds the collection's tarball in the directory `output`."""
    output.mkdir(parents=True, exist_ok=True)
    command = [str(VENV / "bin" / "ansible-galaxy"), "collection", "build", "--force", "--output-path", str(output)]
    subprocess.run(
        [*command, str(ROOT)], check=True, env=os.environ | {"ANSIBLE_HOME": str(VENV / "home" / ".ansible")}
    )
    return max(output.glob("meshops-mesh-*.tar.gz"), key=lambda path: path.stat().st_mtime)


def unpack_build() -> Path:
    """Builds the collection and unpacks it afresh; returns its directory."""
    shutil.rmtree(BUILT, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(build(Path(scratch))) as archive:
        surplus = {name.split("/")[0] for name in archive.getnames()} - SHIPPED
        if surplus:
            sys.exit(f"the tarball holds what is no part of a collection: {', '.join(sorted(surplus))}")
        # Not as an argument: Python 3.11 has it only since its fourth release, and Debian 12 the second.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(BUILT / OURS)
    _link(BUILT / KUBERNETES, COLLECTIONS / KUBERNETES)
    return BUILT / OURS


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["dependencies", "build", "unpack"])
    match parser.parse_args().action:
        case "dependencies":
            install_dependencies()
        case "build":
            build(ROOT / "dist")
        case "unpack":
            print(unpack_build())


if __name__ == "__main__":
    main()
