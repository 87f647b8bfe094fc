# SPDX-License-Identifier: Apache-2.0
"""One measurement: a contender's command, and what the API servers and their links counted meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.places import Contender, P
from bench.process import measure
from bench.progress import Clock
from bench.results import Result, Results, inside
from bench.subject import Subject
from lab.errors import LabError

TIMEOUT = 120.0


@dataclass(frozen=True)
class Turn:
    """Which measurement it is, and what to wait for when the command has ended."""

    series: str
    step: str
    round: int
    timeout: float = TIMEOUT
    behaves: Callable[[], None] | None = None


def attempt(
    turn: Turn, contender: Contender[P], place: P, subjects: Sequence[Subject], results: Results, clock: Clock
) -> Result | None:
    """Measure and note it; None when the contender failed, which is noted, too."""
    about = f"{turn.series}, round {turn.round}: {contender.name}, {turn.step}"
    try:
        result = observe(turn, contender, place, subjects)
    except LabError as error:
        results.fail(turn.series, f"{contender.name}, {turn.step}", error)
        clock.step(f"{about}: FAILED: {error}")
        return None
    results.runs.append(result)
    behaves = f", injects and validates after {result.inside['behaves']:.2f} s" if turn.behaves else ""
    clock.step(f"{about}: {result.seconds:.2f} s{behaves}")
    return result


def observe(turn: Turn, contender: Contender[P], place: P, subjects: Sequence[Subject]) -> Result:
    """Run the contender's command for a step."""
    command = contender.command(place, turn.step)
    name = re.sub(r"\W+", "-", f"{contender.name}-{turn.step}")
    with ThreadPoolExecutor(len(subjects)) as pool:
        before = list(pool.map(lambda subject: subject.counts(), subjects))
        sent_before = [subject.traffic() for subject in subjects]
        started = time.monotonic()
        measured = measure(
            command,
            env={**place.environment(granted=contender.granted), **contender.env},
            log=place.directory / f"{name}.log",
            timeout=turn.timeout,
            codes=(0, *contender.codes.get(turn.step, ())),
        )
        until = _waited(turn, started)
        sent = [subject.traffic() - old for subject, old in zip(subjects, sent_before, strict=True)]
        counted = [new - old for new, old in zip(pool.map(lambda s: s.counts(), subjects), before, strict=True)]
    return Result(
        series=turn.series,
        contender=contender.name,
        step=turn.step,
        round=turn.round,
        seconds=measured.seconds,
        cpu=measured.cpu,
        memory=measured.memory,
        requests=sum(counts.requests for counts in counted),
        writes=sum(counts.writes for counts in counted),
        up=sum(traffic.up for traffic in sent),
        down=sum(traffic.down for traffic in sent),
        timed_out=measured.timed_out,
        inside={**inside(measured), **until, "machine": round(measured.machine, 3)},
    )


def _waited(turn: Turn, started: float) -> dict[str, float]:
    """How long it took until the outcome was there, command included."""
    if turn.behaves is None:
        return {}
    turn.behaves()
    return {"behaves": time.monotonic() - started}
