# SPDX-License-Identifier: Apache-2.0
"""How an engine finds the provider where no virtual environment is active and PATH knows nothing of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pulumi import automation

from lab.engine import environment

from .conftest import API
from .programs import config_map, config_set

PROJECT = {"name": "found", "runtime": "python"}


def by_launcher(home, _project):
    """`python -m pulumi_mesh install`."""
    command = [sys.executable, "-m", "pulumi_mesh", "install"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PULUMI_HOME": str(home)}, timeout=60)


def by_project(_home, project):
    """`plugins.providers.path` of Pulumi.yaml: where pip put the provider."""
    project["plugins"] = {"providers": [{"name": "mesh", "path": str(Path(sys.executable).parent)}]}


@pytest.fixture
def place(engine, tmp_path):
    """A workspace with an engine, a home and a state of its own; nothing else is on PATH."""
    for name in ("bin", "home", "state", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to((engine / "bin" / "pulumi").resolve())
    return tmp_path


def stack(place, program):
    told = {**environment(place), "PATH": "/usr/bin:/bin", "VIRTUAL_ENV": "", "PYTHONPATH": ""}
    command = automation.PulumiCommand(root=str(place), skip_version_check=True)
    opts = automation.LocalWorkspaceOptions(work_dir=str(place / "work"), env_vars=told, pulumi_command=command)
    return automation.create_or_select_stack("found", "found", program, opts=opts)


@pytest.mark.parametrize("known", [by_launcher, by_project])
def test_a_provider_that_is_not_on_the_path(lab, cluster, namespace, place, known):
    project = dict(PROJECT)
    known(place / "home", project)
    (place / "work" / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    made = stack(place, config_set(lab, API, namespace, [config_map("a", level="info")]))
    made.up(color="never")
    assert cluster.get("v1", "ConfigMap", namespace, "a")["data"] == {"level": "info"}
    made.destroy(color="never")
    assert cluster.get("v1", "ConfigMap", namespace, "a") is None


def test_nothing_is_found_by_chance(lab, namespace, place):
    (place / "work" / "Pulumi.yaml").write_text(yaml.safe_dump(PROJECT))
    made = stack(place, config_set(lab, API, namespace, [config_map("a", level="info")]))
    with pytest.raises(automation.CommandError, match="resource plugin"):
        made.up(color="never")
