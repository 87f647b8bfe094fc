# SPDX-License-Identifier: Apache-2.0
"""Runs a program to its end; a failure becomes one sentence with the program's own last words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError, log_tail


def run(
    command: Sequence[str | Path],
    *,
    what: str,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> str:
    """Run a command that has to succeed; returns its standard output (empty where it goes to a log)."""
    full_env = {**os.environ, **(env or {})}
    arguments = [str(part) for part in command]
    try:
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("a", encoding="utf-8") as out:
                done = subprocess.run(
                    arguments, check=False, env=full_env, cwd=cwd, stdout=out, stderr=out, stdin=subprocess.DEVNULL
                )
            if done.returncode:
                raise LabError(f"{what} failed (exit {done.returncode}).{log_tail(log)}")
            return ""
        piped = subprocess.run(
            arguments, check=False, env=full_env, cwd=cwd, input=stdin or "", capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise LabError(f"{what} failed: program {arguments[0]} not found; install it and run again.") from error
    if piped.returncode:
        raise LabError(f"{what} failed (exit {piped.returncode}): {piped.stderr.strip()[-600:]}")
    return piped.stdout


def succeeds(command: Sequence[str | Path]) -> bool:
    """Whether a command ends well; its output is not wanted."""
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return done.returncode == 0
