# SPDX-License-Identifier: Apache-2.0
"""The command line: which parts, how many rounds, which contenders."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bench import configuration, control_plane
from bench.progress import Clock
from bench.results import Results
from bench.subject import Subject
from bench.tools import WORK, contender_versions


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    results = Results(about={"versions": contender_versions()})
    wanted = [series for series in configuration.SERIES if series.name in options.parts]
    clock = Clock(0)
    subject = Subject("bench")
    if wanted:
        control_plane.ensure(subject)
    for series in wanted:
        configuration.run(series, subject, results, options.rounds, options.only, clock)
        results.save(WORK / "results.json")
    if "b" in options.parts:
        control_plane.run(subject, results, options.rounds, options.only, clock)
        results.save(WORK / "results.json")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[])
    return parser
