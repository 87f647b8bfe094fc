# SPDX-License-Identifier: Apache-2.0
"""Programs whose dependencies would clash with ours: each set in an environment of its own, made at its first use."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.collection import ROOT, VENV


def environment(name: str) -> Path:
    """The environment with what requirements/tools/NAME.txt lists; made anew when that file changes."""
    requirements, place = ROOT / "requirements" / "tools" / f"{name}.txt", VENV / "tools" / name
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    ready = place / ".ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
        # Our own pip installs into it: one is enough.
        pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", "--requirement", str(requirements)], check=True)
        ready.write_text(wanted, encoding="utf-8")
    return place


def variables(place: Path) -> dict[str, str]:
    """Variables by which programs find those of the environment before ours."""
    return {**os.environ, "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"}
