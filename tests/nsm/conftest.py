# SPDX-License-Identifier: Apache-2.0
"""Two new domains, brought up by the tests that need them; what was not up before goes down at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab import machine, paths, state
from lab.domains.home import is_domain
from lab.state import Lab
from tests.nsm.site import Site

NAMES = ("domain1", "domain2")
UP = ("up", "--clusters", "--domains", str(len(NAMES)))
_SECONDS = 1800  # programs may have to be built


def run_lab(*arguments: str) -> str:
    """What one command of the lab prints, which has to succeed."""
    command = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(command, cwd=paths.CHECKOUT, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session", autouse=True)
def put_back() -> Iterator[None]:
    """Leave the machine with the domains that it had, and no others."""
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    machine.check_owner()
    before = {name for name in machine.names() if is_domain(name)}
    yield
    added = {name for name in machine.names() if is_domain(name)} - before
    if added:
        run_lab("down", *sorted(added))


@pytest.fixture(scope="module")
def lab() -> Lab:
    """The lab with two domains in which nobody has done anything."""
    run_lab("down", *NAMES)
    run_lab(*UP)
    return state.load()


@pytest.fixture(scope="module")
def sites(lab: Lab) -> tuple[Site, Site]:
    """Both domains, with an identity for each program."""
    first, second = (Site(lab.domain(name)) for name in NAMES)
    for site in (first, second):
        site.identify()
    return first, second
