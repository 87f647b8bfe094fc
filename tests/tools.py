# SPDX-License-Identifier: Apache-2.0
"""Programs whose dependencies would clash with ours: each set in an environment of its own, made at its first use.

`python -m tests.tools NAME COMMAND...` runs a command there, in which its programs come before ours.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.collection import COLLECTIONS, ROOT, VENV

_OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
#: Pythons that an environment can do with, where not each that we can do with.
PYTHONS: Mapping[str, Sequence[str]] = {"oldest": ("3.11", "3.12"), "newest": ("3.12", "3.13", "3.14")}


def environment(name: str) -> Path:
    """The environment with what requirements/tools/NAME.txt lists; made anew when that file or its Python changes."""
    requirements, place, python = ROOT / "requirements" / "tools" / f"{name}.txt", VENV / "tools" / name, _python(name)
    if python is None:
        raise LookupError(obstacle(name))
    wanted = hashlib.sha256(requirements.read_bytes() + python.encode()).hexdigest()
    ready = place / ".ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([python, "-m", "venv", "--without-pip", str(place)], check=True)
        # Our own pip installs into it: one is enough.
        pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--requirement", str(requirements)], check=True)
        # Tests that run there look for collections where they are in ours.
        (place / COLLECTIONS.name).symlink_to(COLLECTIONS, target_is_directory=True)
        ready.write_text(wanted, encoding="utf-8")
    return place


def variables(place: Path) -> dict[str, str]:
    """Variables by which programs find those of the environment before ours."""
    return {**os.environ, "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def obstacle(name: str) -> str | None:
    """Why there can be no such environment here, if so."""
    return None if _python(name) else f"there is no Python {' or '.join(PYTHONS[name])}"


def _python(name: str) -> str | None:
    """The program that makes the environment: ours if it will do."""
    versions = PYTHONS.get(name, (_OWN,))
    return sys.executable if _OWN in versions else next(filter(_runs, _candidates(versions)), None)


def _candidates(versions: Sequence[str]) -> Iterator[str]:
    """Other Pythons of these versions: those on PATH, then those that pyenv keeps."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for version in versions:
        yield from filter(None, [shutil.which(f"python{version}")])
        yield from map(str, sorted(kept.glob(f"{version}.*/bin/python")))


def _runs(python: str) -> bool:
    """pyenv has a program for each version that it keeps, but only those that are chosen run."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def main() -> int:
    """The command's exit code."""
    name, *command = sys.argv[1:]
    return subprocess.run(command, env=variables(environment(name)), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
