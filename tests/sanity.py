# SPDX-License-Identifier: Apache-2.0
"""Runs `ansible-test sanity` on the collection as it ships, without containers: `python -m tests.sanity [OPTION...]`.

ansible-test keeps its virtual environments in the home directory, so it gets one of its own inside ours.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.collection import VENV, unpack_build

HOME = VENV / "home"

# ansible-test downloads get-pip.py for its environments unless a copy is cached; Python itself brings pip along.
GET_PIP = """\
import ensurepip

ensurepip.bootstrap(upgrade=True, default_pip=True)
"""


def main() -> int:
    cached = HOME / ".ansible" / "test" / "cache" / f"get_pip_{_pip_version().replace('.', '_')}.py"
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text(GET_PIP)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [str(VENV / "bin" / "ansible-test"), "sanity", "--python", python, *sys.argv[1:]]
    return subprocess.run(command, cwd=_repository(unpack_build()), env=_environment(), check=False).returncode


def _pip_version() -> str:
    """The pip that this ansible-test asks for, which is part of the cached file's name."""
    package = importlib.util.find_spec("ansible_test")
    assert package is not None, "ansible-test comes with ansible-core"
    assert package.origin is not None, "ansible-test is a package in files"
    source = Path(package.origin).with_name("_internal").joinpath("python_requirements.py").read_text()
    version = re.search(r"pip='([\d.]+)'", source)
    assert version, "ansible-test no longer says which pip it wants in python_requirements.py"
    return version[1]


def _repository(collection: Path) -> Path:
    """Makes `collection` a repository: ansible-test asks git for the files, and the checkout's git ignores them all."""
    subprocess.run(["git", "init", "--quiet", str(collection)], check=True)
    (collection / ".git" / "info" / "exclude").write_text("/tests/output/\n")
    return collection


def _environment() -> dict[str, str]:
    return os.environ | {"HOME": str(HOME), "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}


if __name__ == "__main__":
    sys.exit(main())
