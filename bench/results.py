# SPDX-License-Identifier: Apache-2.0
"""What was measured, run by run; the document is written from nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.process import Measured
from bench.summary import Summary, summarize


@dataclass(frozen=True)
class Result:
    """One run of one contender's step."""

    series: str
    contender: str
    step: str
    round: int
    seconds: float
    cpu: float
    memory: int
    requests: int
    writes: int
    up: int
    down: int
    timed_out: bool = False
    inside: dict[str, Any] = field(default_factory=dict)
    """What only the contender knows; ours tells how long the run took without starting Python."""


@dataclass(frozen=True)
class Calibration:
    """How long the plainest requests took, before a round."""

    series: str
    round: int
    seconds: float
    requests: int


@dataclass
class Results:
    """All results of one run of the benchmark, with the machine that it ran on."""

    about: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    runs: list[Result] = field(default_factory=list)
    calibrations: list[Calibration] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write them down; called after each part, so that an interrupted run leaves what it has."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    def fail(self, series: str, contender: str, error: Exception) -> None:
        """Note that a contender could not do it; the others go on."""
        self.notes.setdefault("failures", []).append(f"{series}, {contender}: {str(error)[-500:]}")

    def select(self, series: str, contender: str = "", step: str = "") -> list[Result]:
        """The runs of a series, of one contender and step."""
        return [
            run
            for run in self.runs
            if run.series == series and contender in ("", run.contender) and step in ("", run.step)
        ]

    def seconds(self, series: str, contender: str, step: str) -> Summary | None:
        """Summary of the wall clock, where there are runs."""
        return _summary(run.seconds for run in self.select(series, contender, step))

    def median(self, field_: str, series: str, contender: str, step: str) -> float | None:
        """Median of another field."""
        found = _summary(getattr(run, field_) for run in self.select(series, contender, step))
        return found.median if found else None


def load(path: Path) -> Results:
    """What was saved."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Results(
        data["about"],
        data["notes"],
        [Result(**run) for run in data["runs"]],
        [Calibration(**entry) for entry in data["calibrations"]],
    )


def inside(measured: Measured) -> dict[str, Any]:
    """The last line of a contender's output, where it is JSON."""
    last = measured.output.strip().rpartition("\n")[2]
    try:
        found = json.loads(last)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _summary(values: Iterable[float]) -> Summary | None:
    found = list(values)
    return summarize(found) if found else None
