# SPDX-License-Identifier: Apache-2.0
"""Runs ansible-test on the collection as it ships, without containers:
`python -m tests.ansible_test sanity|units [--core oldest|newest] [OPTION...]`.

Unless a core is named it is that of our environment; the others have environments of their own (requirements/tools).
ansible-test keeps its virtual environments in the home directory, so it gets one of its own inside ours.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests import tools
from tests.collection import ROOT, VENV, unpack_build

HOME = VENV / "home"

#: Tests of what does not ship, in tests/unit: the lab, the provider, programs of this repository.
ELSEWHERE = frozenset(
    {
        *("__pycache__", "bench", "faults", "lab", "provider"),
        *("test_catalogue.py", "test_compatibility.py", "test_generated.py", "test_installed.py", "test_languages.py"),
    }
)
#: What the others import from tests.
HELPERS = ("__init__.py", "certificates.py", "examples")

# ansible-test downloads get-pip.py for its environments unless a copy is cached; Python itself brings pip along.
GET_PIP = """\
import ensurepip

ensurepip.bootstrap(upgrade=True, default_pip=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["sanity", "units"])
    parser.add_argument("--core", choices=["oldest", "newest"])
    options, more = parser.parse_known_args()
    place = tools.environment(options.core) if options.core else VENV
    package = next(place.glob("lib/python*/site-packages/ansible_test"))
    cached = HOME / ".ansible" / "test" / "cache" / f"get_pip_{_pip_version(package).replace('.', '_')}.py"
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text(GET_PIP)
    collection = unpack_build()
    if options.command == "units":
        add_tests(collection)
    python = package.parents[1].name.removeprefix("python")
    command = [str(place / "bin" / "ansible-test"), options.command, "--python", python, *more]
    env = tools.variables(place) | {"HOME": str(HOME)}
    return subprocess.run(command, cwd=_repository(collection), env=env, check=False).returncode


def add_tests(collection: Path) -> None:
    """The unit tests of what ships. They do not ship themselves: they want more libraries, and files beside them."""
    units = [path for path in (ROOT / "tests" / "unit").iterdir() if path.name not in ELSEWHERE]
    for source in [*(ROOT / "tests" / name for name in HELPERS), *units]:
        target = collection / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def _pip_version(package: Path) -> str:
    """The pip that this ansible-test asks for, which is part of the cached file's name."""
    source = (package / "_internal" / "python_requirements.py").read_text()
    version = re.search(r"pip='([\d.]+)'", source)
    assert version, "ansible-test no longer says which pip it wants in python_requirements.py"
    return version[1]


def _repository(collection: Path) -> Path:
    """Makes `collection` a repository: ansible-test asks git for the files, and the checkout's git ignores them all."""
    subprocess.run(["git", "init", "--quiet", str(collection)], check=True)
    (collection / ".git" / "info" / "exclude").write_text("/tests/output/\n__pycache__/\n")
    return collection


if __name__ == "__main__":
    sys.exit(main())
