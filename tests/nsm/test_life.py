# SPDX-License-Identifier: Apache-2.0
"""Domains come up again from any half-done state, and go down without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import paths, state
from lab.domains import control, controlplane
from lab.domains.home import DomainHome
from lab.process import Process
from tests.nsm.conftest import NAMES, UP, run_lab
from tests.nsm.site import Site
from tests.nsm.waiting import eventually

_RUN = paths.RUN
_LAB = [sys.executable, "-m", "lab"]


def _processes():
    """Programs that were told of this checkout's domains, whatever namespace they are in."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                told = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                if any(f"{place}/domain".encode() in told for place in (_RUN, paths.STATE)):
                    yield f"process {entry.name}: {told[-80:]!r}"


def _traces():
    """Whatever may be left of domains on this machine."""
    places = [paths.STATE / name for name in NAMES] + [_RUN / name for name in NAMES]
    places += [Path("/run/netns", f"mesh-{name}") for name in NAMES]
    places += [Path("/sys/class/net", f"mesh-{name}") for name in NAMES]
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    left = [str(place) for place in places if place.exists()]
    return [*left, *(line for line in mounts if "domain" in line), *_processes()]


def _status():
    found = json.loads(run_lab("status", "--json"))
    return {entry["name"]: entry["processes"] for entry in found["domains"]}


def test_status_shows_each_process(lab):
    programs = {"coredns", "spire-server", "spire-agent", *controlplane.settings(DomainHome("domain1"))}
    for processes in _status().values():
        assert set(processes) == programs
        assert None not in processes.values()
    assert "domain2  10.99.0.3  my.cluster2  nsm.cluster2  8 running" in run_lab("status")


def test_up_again_changes_nothing(lab):
    before = _status()
    run_lab(*UP)
    assert _status() == before


@pytest.mark.parametrize("program", ["coredns", "spire-server", "spire-agent", "nsm-registry", "nsmgr"])
def test_what_was_killed_comes_again_with_the_same_identities(sites, program):
    """Also with a new agent, whose token and keys are others."""
    site = sites[0]
    endpoint = site.start_endpoint("inn-1", "inn")
    assert eventually(lambda: site.names("inn"), ["inn-1"]) == ["inn-1"]
    _kill(DomainHome(site.domain.name).process(program))
    assert _status()["domain1"][program] is None
    run_lab(*UP)
    assert _status()["domain1"][program] is not None
    assert eventually(lambda: site.names("inn"), ["inn-1"]) == ["inn-1"]
    endpoint.stop()


def test_records_outlive_the_name_server(sites):
    site = sites[1]
    site.publish()
    _kill(DomainHome(site.domain.name).process("coredns"))
    run_lab(*UP)
    name = f"registry.nsm-system.{site.domain.zone}"
    assert eventually(lambda: sites[0].resolve(name), site.domain.address) == site.domain.address


def test_one_domain_goes_alone(lab):
    run_lab("down", "domain2")
    assert [trace for trace in _traces() if "domain2" in trace] == []
    assert [domain.name for domain in state.load().domains] == ["domain1"]
    assert None not in _status()["domain1"].values()
    run_lab(*UP)


def test_traces_are_seen(lab):
    """Else the tests below would find nothing in any case."""
    found = _traces()
    for kind in (str(_RUN), str(paths.STATE), "/run/netns", "/sys/class/net", "process"):
        assert any(kind in trace for trace in found), (kind, found)


def test_down_leaves_nothing(lab):
    control.start("domain1", controlplane.CLIENT, "request", called="waiting")
    run_lab("down", *NAMES)
    assert _traces() == []


@pytest.mark.parametrize(
    "witness",
    [_RUN / "domain1" / "coredns.pid", _RUN / "domain2" / "spire-agent.pid", _RUN / "domain1" / "nsmgr.pid"],
    ids=lambda path: path.stem,
)
def test_down_after_a_killed_up(put_back, witness):
    run_lab("down", *NAMES)
    with subprocess.Popen([*_LAB, *UP], cwd=paths.CHECKOUT, stderr=subprocess.DEVNULL) as up:
        deadline = time.monotonic() + 60
        while not witness.exists() and up.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        assert witness.exists()
        up.kill()
    run_lab("down", *NAMES)
    assert _traces() == []


def test_up_after_a_killed_up(put_back):
    with subprocess.Popen([*_LAB, *UP], cwd=paths.CHECKOUT, stderr=subprocess.DEVNULL) as up:
        while not (_RUN / "domain1" / "spire-server.pid").exists() and up.poll() is None:
            time.sleep(0.001)
        up.kill()
    run_lab(*UP)
    site = Site(state.load().domain("domain1"))
    site.identify()
    site.start_endpoint("inn-1", "inn")
    assert eventually(lambda: site.names("inn"), ["inn-1"]) == ["inn-1"]


def _kill(process: Process) -> None:
    pid = process.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert eventually(process.pid, None) is None
