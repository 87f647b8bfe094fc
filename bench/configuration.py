# SPDX-License-Identifier: Apache-2.0
"""Part a: keeping a set of Istio's custom resources, by everyone who can, through istiod's webhook."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench import latency
from bench.contenders import (
    CORE_K8S,
    FLOOR,
    FLOOR_PYTHON,
    FLUX,
    HELM,
    KUBECTL,
    OURS,
    OURS_PLAYBOOK,
    STEPS,
    Scene,
    contenders,
)
from bench.objects import NAMESPACE, PRUNED, Files, istio
from bench.observing import TIMEOUT, Turn, attempt
from bench.places import Contender, taking_part
from bench.progress import Clock
from bench.results import Calibration, Result, Results
from bench.subject import CALIBRATION, Subject
from bench.tools import WORK
from lab.errors import LabError

_ONCE = 60.0  # seconds of one round from which on it is the only one
_FEW = 20  # plain requests are enough where each takes so long


@dataclass(frozen=True)
class Series:
    """One table: so many objects, at so many milliseconds round trip, by these contenders and steps."""

    name: str
    objects: int
    round_trip: int = 0
    only: tuple[str, ...] = ()
    steps: tuple[str, ...] = tuple(STEPS)
    budget: float = 240.0
    """Seconds after which no other round begins."""
    once: float = _ONCE
    timeout: float = TIMEOUT
    """Seconds after which a command is stopped."""

    def contenders(self, named: Sequence[str]) -> list[Contender[Scene]]:
        """Those who take part, in order."""
        return [one for one in taking_part(contenders(), named) if not self.only or one.name in self.only]


_MAIN = (FLOOR, FLOOR_PYTHON, OURS, OURS_PLAYBOOK, CORE_K8S, KUBECTL, HELM, FLUX)

SERIES = [
    Series("a300", 300, budget=1300),
    Series("a5000", 5000, only=_MAIN, steps=("create", "unchanged"), budget=150, once=25),
    Series("a50ms", 300, 50, only=_MAIN, steps=("create", "unchanged"), budget=100, once=8, timeout=60),
    Series("a150ms", 300, 150, only=_MAIN, steps=("create", "unchanged"), budget=100, once=8, timeout=60),
]


def planned(series: Series, named: Sequence[str]) -> int:
    """Measurements of one round."""
    return sum(len(set(one.steps) & set(series.steps)) for one in series.contenders(named))


def run(series: Series, subject: Subject, results: Results, rounds: int, named: Sequence[str], clock: Clock) -> None:
    """Every contender's whole life once, then all of them again."""
    files = Files(WORK / series.name, istio(series.objects)).write()
    results.notes[series.name] = {"objects": len(files.objects), "pairs": files.pairs, "round_trip": series.round_trip}
    remaining, started = series.contenders(named), time.monotonic()
    with _scene(series, subject, files) as scene:
        scene.prepare()
        subject.grant({"config_set": {"name": "bench", "namespace": NAMESPACE, "objects": files.objects}})
        for number in range(1, rounds + 1):
            if clock.over(series.name, number - 1, started, series.budget):
                break
            _calibrate(series, subject, scene, results, number)
            for contender in list(remaining):
                if _live(contender, series, scene, subject, results, number, clock) > series.once:
                    remaining.remove(contender)
    subject.empty()


@contextmanager
def _scene(series: Series, subject: Subject, files: Files) -> Iterator[Scene]:
    if not series.round_trip:
        yield Scene(files.directory, {subject.name: subject.access()}, files)
        return
    with latency.delayed(subject.server, series.round_trip / 1000) as server:
        yield Scene(files.directory, {subject.name: subject.access(server)}, files)


def _calibrate(series: Series, subject: Subject, scene: Scene, results: Results, number: int) -> None:
    times = _FEW if series.round_trip else CALIBRATION
    took = subject.calibrate(scene.contexts[scene.context].server, times)
    results.calibrations.append(Calibration(series.name, number, took, times))


def _live(
    contender: Contender[Scene],
    series: Series,
    scene: Scene,
    subject: Subject,
    results: Results,
    number: int,
    clock: Clock,
) -> float:
    """One contender's steps, from an empty namespace on; the seconds that they took, without end if it failed."""
    spent = 0.0
    subject.empty()
    for step in (step for step in STEPS if step in series.steps and step in contender.steps):
        subject.settle()
        result = attempt(Turn(series.name, step, number, series.timeout), contender, scene, [subject], results, clock)
        if result is None or not _right(result, scene, subject, results):
            return math.inf
        spent += result.seconds
        if contender.name == OURS and step == "unchanged":
            results.notes[series.name]["largest_page"] = subject.largest_page()
        if result.timed_out:
            break
    return spent


def _right(result: Result, scene: Scene, subject: Subject, results: Results) -> bool:
    """Whether as many objects are there as should be."""
    wanted, found = len(scene.files.objects) - (PRUNED if result.step == "prune" else 0), subject.objects()
    if found != wanted and not result.timed_out:
        text = f"{found} objects are there instead of {wanted}"
        results.fail(result.series, f"{result.contender}, {result.step}", LabError(text))
        return False
    return True
