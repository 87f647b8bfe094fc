# SPDX-License-Identifier: Apache-2.0
"""Pulumi's engine with a state of its own in a directory, and the provider of this checkout."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from lab import gotools
from lab.paths import CHECKOUT

_LAUNCHER = """#!/bin/sh
PYTHONPATH={checkout} exec {python} -m pulumi_mesh.provider "$@"
"""


def environment(directory: Path) -> dict[str, str]:
    """What to set so that the engine finds itself, its state, and our provider. The engine is built if need be."""
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
    return {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "only for the lab",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # The SDK may be newer than the engine that can be built.
        "PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK": "true",
    }
