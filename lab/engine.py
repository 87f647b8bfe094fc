# SPDX-License-Identifier: Apache-2.0
"""Pulumi's engine with a state of its own in a directory, and the provider of this checkout."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from pulumi import automation

from lab import gotools
from lab.paths import CHECKOUT

_LAUNCHER = """#!/bin/sh
PYTHONPATH={checkout} exec {python} -m pulumi_mesh.provider "$@"
"""


def workspace(directory: Path) -> automation.LocalWorkspaceOptions:
    """For stacks of inline programs whose engine, state and provider are in a directory."""
    command = automation.PulumiCommand(root=str(directory), skip_version_check=True)
    return automation.LocalWorkspaceOptions(env_vars=environment(directory), pulumi_command=command)


def environment(directory: Path) -> dict[str, str]:
    """What to set so that the engine finds its state and our provider, in a directory that :func:`prepare` filled."""
    home, state = directory / "home", directory / "state"
    return {
        "PATH": f"{directory / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "only for the lab",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def prepare(directory: Path) -> Path:
    """Put the engine (built if need be) and a launcher of the provider into the directory, and return it."""
    programs = gotools.build(["pulumi"])
    commands, home, state = (directory / name for name in ("bin", "home", "state"))
    for path in (commands, home, state):
        path.mkdir(parents=True, exist_ok=True)
    gotools.link_into(commands, programs)
    launcher = commands / "pulumi-resource-mesh"
    launcher.write_text(
        _LAUNCHER.format(checkout=shlex.quote(str(CHECKOUT)), python=shlex.quote(sys.executable)), encoding="utf-8"
    )
    launcher.chmod(0o755)
    return directory
