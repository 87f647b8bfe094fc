# SPDX-License-Identifier: Apache-2.0
"""Part e: what many hosts outside Kubernetes need to join, by one task, and by istioctl host by host."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mesh.apply.engine import run as run_operation
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

from bench.objects import NAMESPACE
from bench.observing import Turn, attempt
from bench.places import Command, Contender, Place, playbook, taking_part
from bench.progress import Clock
from bench.results import Calibration, Results
from bench.subject import CALIBRATION, Subject
from bench.tools import ROOT, WORK, programs

SERIES = "e"
GROUP, GATEWAY = "bench-hosts", "192.0.2.1"
#: So many hosts at once.
NUMBERS = (1, 50, 200)
OURS, ISTIOCTL = "meshops.mesh (ansible-playbook)", "istioctl x workload entry configure, host by host"
_BUDGET = 400.0


def _playbook(_place: Place, step: str) -> Command:
    return playbook("hosts.yml", {"count": step, "group": GROUP, "group_namespace": NAMESPACE, "gateway": GATEWAY})


def _istioctl(place: Place, step: str) -> Command:
    script, into = str(ROOT / "bench" / "configure.py"), str(place.directory / "istioctl")
    return [programs()["python"], script, programs()["istioctl"], step, into, NAMESPACE, GROUP, GATEWAY]


def contenders() -> list[Contender[Place]]:
    """Everyone, in the order of a round."""
    steps = tuple(map(str, NUMBERS))
    return [Contender(OURS, _playbook, steps, granted=True), Contender(ISTIOCTL, _istioctl, steps)]


def planned(named: Sequence[str]) -> int:
    """Measurements of one round."""
    return sum(len(one.steps) for one in taking_part(contenders(), named))


def run(subject: Subject, results: Results, rounds: int, named: Sequence[str], clock: Clock) -> None:
    """On a mesh that is there; the group goes in the end."""
    place = Place(WORK / SERIES, {subject.name: subject.access()})
    place.prepare()
    _group(subject, Mode())
    asked = {"group": GROUP, "namespace": NAMESPACE, "gateway_address": GATEWAY}
    subject.grant({"vm_bootstrap": asked})
    started = time.monotonic()
    for number in range(1, rounds + 1):
        if clock.over(SERIES, number - 1, started, _BUDGET):
            break
        results.calibrations.append(Calibration(SERIES, number, subject.calibrate(), CALIBRATION))
        for contender in taking_part(contenders(), named):
            for step in contender.steps:
                subject.settle()
                attempt(Turn(SERIES, step, number, timeout=300), contender, place, [subject], results, clock)
    _group(subject, Mode("absent"))


def _group(subject: Subject, mode: Mode) -> None:
    """The group that the hosts join, with its ServiceAccount."""
    operation = OPERATIONS["workload_group"]
    spec = parse(operation.spec, {"name": GROUP, "namespace": NAMESPACE})
    run_operation(operation, spec, subject.admin, RunOptions(), mode, lambda _line: None)
