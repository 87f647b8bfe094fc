# SPDX-License-Identifier: Apache-2.0
"""What a person does in a domain: commands in its network, and programs that stay."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from lab import paths
from lab.domains import controlplane
from lab.domains.home import DomainHome
from lab.process import Process


def execute(
    name: str, *command: str, env: Mapping[str, str] | None = None, timeout_seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command in the domain, with the environment of its programs; its exit code and output, whatever they
    are."""
    home = DomainHome(name)
    return subprocess.run(
        home.inside(*command),
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **controlplane.common(home), **(env or {})},
        timeout=timeout_seconds,
    )


def start(name: str, program: str, *arguments: str, called: str, env: Mapping[str, str] | None = None) -> Process:
    """Start one of the lab's programs in the domain as a process that stays, unless one called so runs; it ends with
    the domain."""
    home = DomainHome(name)
    process = home.process(called)
    path = (paths.BIN / program).resolve()
    process.start(home.inside(path, *arguments), env={**controlplane.common(home), **(env or {})})
    return process
