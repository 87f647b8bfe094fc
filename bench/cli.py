# SPDX-License-Identifier: Apache-2.0
"""The command line: which parts, how many rounds, which contenders; the lab comes and goes with what needs it."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import clusters, configuration, control_plane, document, fronts, hosts
from bench.configuration import SERIES
from bench.progress import Clock
from bench.results import Results, load
from bench.resuming import begun, code, measured
from bench.subject import Subject
from bench.tools import ROOT, WORK, contender_versions, programs
from lab import providers, state
from lab.errors import LabError
from lab.request import Request

CLUSTER = "bench"
ROUNDS = 5
SAVED = WORK / "results.json"
DOCUMENT = ROOT / "docs" / "performance.md"

_PARTS = [*(series.name for series in SERIES), control_plane.SERIES, clusters.SERIES, fronts.SERIES, hosts.SERIES]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the document. A contender that fails is named, left out, and makes the exit code 1."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    if options.results:
        print(document.render(load(options.results)))
        return 0
    parts = chosen(options.parts)
    os.environ["HELM_BINARY"] = programs()["helm"]  # for what this process itself installs
    about = {**_about(given, options.rounds), "only": options.only, "clusters": options.clusters}
    saved = None if options.only else begun(SAVED, about, parts)
    results = saved or Results(about)
    if saved:
        print(
            f"going on after {', '.join(sorted(measured(saved)))}, measured on {saved.about['date']}", file=sys.stderr
        )
    try:
        _measure([part for part in parts if part not in measured(results)], options, results)
    except LabError as error:
        print(f"bench: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; the next run goes on after the last whole part", file=sys.stderr)
        return 130
    complete = parts == _PARTS and options.rounds == ROUNDS and not options.only
    target = DOCUMENT if complete else WORK / DOCUMENT.name
    target.write_text(document.render(results), encoding="utf-8")
    print(f"{target.relative_to(ROOT)}{'' if complete else ' (a part only: docs/ is left as it is)'}", file=sys.stderr)
    return 1 if results.notes.get("failures") else 0


def chosen(named: Sequence[str]) -> list[str]:
    """The parts that are meant: all where none is named, and `a` stands for all whose names begin with it."""
    return [part for part in _PARTS if not named or part in named or part[0] in named]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure against what people use today.")
    parser.add_argument("parts", nargs="*", type=_part, metavar="PART", help=f"a, {', '.join(_PARTS)}; all by default")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="contenders with such a word in the name")
    parser.add_argument("--clusters", type=int, default=max(clusters.NUMBERS), help="at most so many in part c")
    parser.add_argument("--keep-lab", action="store_true", help="leave the clusters up")
    parser.add_argument("--results", type=Path, help="measure nothing: print the document of these results")
    return parser


def _part(text: str) -> str:
    """Not `choices`, which refuse an empty list."""
    if text not in ("a", *_PARTS):
        raise argparse.ArgumentTypeError(f"{text} is none of a, {', '.join(_PARTS)}")
    return text


def _measure(parts: Sequence[str], options: argparse.Namespace, results: Results) -> None:
    wanted = [series for series in SERIES if series.name in parts]
    numbers = [number for number in clusters.NUMBERS if number <= options.clusters]
    total = sum(configuration.planned(series, options.only) for series in wanted)
    total += control_plane.planned(options.only) if control_plane.SERIES in parts else 0
    total += clusters.planned(numbers) if clusters.SERIES in parts else 0
    total += fronts.planned(options.only) if fronts.SERIES in parts else 0
    total += hosts.planned(options.only) if hosts.SERIES in parts else 0
    clock = Clock(total * options.rounds)
    if {*parts} - {clusters.SERIES}:
        with _lab([CLUSTER], keep=options.keep_lab):
            subject = Subject(CLUSTER)
            if wanted or hosts.SERIES in parts:
                control_plane.ensure(subject)
            for series in wanted:
                configuration.run(series, subject, results, options.rounds, options.only, clock)
                results.save(SAVED)
            if hosts.SERIES in parts:
                hosts.run(subject, results, options.rounds, options.only, clock)
                results.save(SAVED)
            if control_plane.SERIES in parts:
                control_plane.run(subject, results, options.rounds, options.only, clock)
                results.save(SAVED)
            if fronts.SERIES in parts:
                fronts.run(subject, results, options.rounds, options.only, clock)
                results.save(SAVED)
    if clusters.SERIES in parts:
        with _lab(clusters.names(max(numbers)), keep=options.keep_lab):
            clusters.run(numbers, results, options.rounds, clock)
            results.save(SAVED)


@contextmanager
def _lab(names: Sequence[str], *, keep: bool) -> Iterator[None]:
    """Clusters of the lab; those that were not up before go down again."""
    try:
        before = {entry.name for entry in state.load().clusters}
    except LabError:
        before = set()
    provider = providers.choose()
    missing = [name for name in names if name not in before]
    try:
        if missing:
            provider.up(Request(missing))
        yield
    finally:
        if missing and not keep:
            provider.down(missing)


def _about(arguments: Sequence[str], rounds: int) -> dict[str, object]:
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    return {
        "command": shlex.join(["make", "bench", *([f"ARGS={shlex.join(arguments)}"] if arguments else [])]),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count() or 1,
        "processor": processor,
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "rounds": rounds,
        "versions": contender_versions(),
        "code": code(),
    }


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines()
