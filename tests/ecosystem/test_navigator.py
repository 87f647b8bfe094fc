# SPDX-License-Identifier: Apache-2.0
"""ansible-navigator without an execution environment, for which there is no container engine here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import tools
from tests.examples.away import CODE

from .playing import play

#: No image is looked for, nothing is kept, and what comes is text.
PLAIN = ["--execution-environment", "false", "--mode", "stdout"]


@pytest.fixture(scope="module", name="navigator")
def navigator_(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables for it: it brings an ansible-core of its own, without our libraries, and is to play with ours."""
    place = tmp_path_factory.mktemp("navigator")
    return {**os.environ, "ANSIBLE_NAVIGATOR_LOG_FILE": str(place / "log"), "HOME": str(place), "TERM": "xterm"}


def program() -> str:
    return str(tools.environment("navigator") / "bin" / "ansible-navigator")


def test_it_plays_what_ansible_playbook_plays(navigator: dict[str, str], tmp_path: Path) -> None:
    plain = play(tmp_path / "plain", ["ansible-playbook"], os.environ)
    options = [*PLAIN, "--playbook-artifact-enable", "false"]
    found = play(tmp_path / "navigated", [program(), "run", *options], navigator)
    assert found.codes() == {CODE}
    assert found.files
    assert found == plain


def test_it_shows_the_documentation(navigator: dict[str, str], tmp_path: Path) -> None:
    command = [program(), "doc", "meshops.mesh.config_set", *PLAIN]
    done = subprocess.run(
        command, cwd=tmp_path, env=navigator, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "meshops.mesh.config_set" in done.stdout
