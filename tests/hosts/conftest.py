# SPDX-License-Identifier: Apache-2.0
"""Two hosts, brought up by the tests that need them; what was not up before goes down at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import machine, paths, state
from lab.hosts import control
from lab.hosts.home import is_host
from lab.state import Lab

NAMES = ("vm1", "vm2")
UP = [sys.executable, "-m", "lab", "up", "--clusters", "--hosts", str(len(NAMES))]
_SECONDS = 300


def run_lab(*arguments: str) -> None:
    """One command of the lab, which has to succeed."""
    command = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(command, cwd=paths.CHECKOUT, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session", autouse=True)
def put_back() -> Iterator[None]:
    """Leave the machine with the hosts that it had, and no others."""
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    machine.check_owner()
    before = {name for name in machine.names() if is_host(name)}
    yield
    added = {name for name in machine.names() if is_host(name)} - before
    if added:
        run_lab("down", *sorted(added))


@pytest.fixture(scope="module")
def lab() -> Lab:
    """The lab with both hosts."""
    run_lab(*UP[3:])
    return state.load()


@pytest.fixture
def alone() -> None:
    """For who takes the whole lab down."""
    if state.own().clusters:
        pytest.skip("the lab has clusters up, too; take them down first: python -m lab down")


@dataclass(frozen=True)
class Shell:
    """Runs commands as root in one host."""

    name: str

    def __call__(self, *command: str) -> str:
        """The output of a command that has to succeed."""
        done = control.execute(self.name, *command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def fails(self, *command: str) -> str:
        """The error output of a command that must not succeed."""
        done = control.execute(self.name, *command)
        assert done.returncode != 0, f"{command}: {done.stdout}"
        return done.stderr.strip()

    def write(self, path: str, text: str) -> None:
        """Make a file."""
        self("sh", "-c", 'printf %s "$1" >"$2"', "sh", text, path)


@pytest.fixture
def vm1(lab: Lab) -> Shell:
    return Shell("vm1")


@pytest.fixture
def vm2(lab: Lab) -> Shell:
    return Shell("vm2")


@dataclass(frozen=True)
class Ssh:
    """Runs commands by SSH as anybody would who reads the state file."""

    lab: Lab

    def __call__(self, name: str, *command: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        host = self.lab.host(name)
        options = (f"UserKnownHostsFile={host.known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes")
        login = ["-i", host.private_key, "-p", str(host.port), f"{user or host.user}@{host.address}"]
        words = ["ssh", *(word for option in (*options, "ConnectTimeout=3") for word in ("-o", option)), *login]
        return subprocess.run([*words, *command], capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def ssh(lab: Lab) -> Ssh:
    return Ssh(lab)


def ansible(*arguments: str) -> str:
    """The output of an ad-hoc task on both hosts, which has to succeed."""
    program = Path(sys.executable).with_name("ansible")
    command = [str(program), "-i", str(paths.HOST_INVENTORY), "mesh_vms", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
