# SPDX-License-Identifier: Apache-2.0
"""One measurement: a contender's command, and what the API servers and their links counted meanwhile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.places import Contender, P
from bench.process import measure
from bench.results import Result, inside
from bench.subject import Subject

TIMEOUT = 120.0


@dataclass(frozen=True)
class Turn:
    """Which measurement it is."""

    series: str
    step: str
    round: int


def observe(turn: Turn, contender: Contender[P], place: P, subjects: Sequence[Subject]) -> Result:
    """Run the contender's command for a step."""
    command = contender.command(place, turn.step)
    name = re.sub(r"\W+", "-", f"{contender.name}-{turn.step}")
    with ThreadPoolExecutor(len(subjects)) as pool:
        before = list(pool.map(lambda subject: subject.counts(), subjects))
        sent_before = [subject.traffic() for subject in subjects]
        measured = measure(
            command,
            env={**place.environment(), **contender.env},
            log=place.directory / f"{name}.log",
            timeout=TIMEOUT,
            codes=(0, *contender.codes.get(turn.step, ())),
        )
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
        inside={**inside(measured), **_busy(measured.machine)},
    )


def _busy(share: float) -> dict[str, Any]:
    """How much of the machine's processors everything together used."""
    return {"machine": round(share, 3)}
