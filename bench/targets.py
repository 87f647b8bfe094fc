# SPDX-License-Identifier: Apache-2.0
"""What is to be reached, and whether it was: each target is a number that the results give, and its limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from bench import clusters, control_plane, fronts, hosts
from bench.contenders import FLOOR, FLOOR_PYTHON, KUBECTL, OURS
from bench.results import Results


@dataclass(frozen=True)
class Target:
    """One line: what, how it is measured, the limit, and what was measured."""

    what: str
    limit: float
    measured: float
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether it was."""
        return self.measured <= self.limit


def targets(results: Results) -> list[Target]:
    """All whose runs there are."""
    return [
        *_sets(results),
        *_memory(results),
        *_control_plane(results),
        *_clusters(results),
        *_fronts(results),
        *_hosts(results),
    ]


def _sets(results: Results) -> Iterator[Target]:
    for base, limit in ((FLOOR, 1.2), (FLOOR_PYTHON, 1.2), (KUBECTL, 0.6)):
        if times := _times(results, "create", base):
            yield Target(f"300 objects, create: whole command / {base}", limit, times)
    if times := _times(results, "unchanged", KUBECTL):
        whole = median(run.seconds for run in results.select("a300", OURS, "unchanged"))
        inside = median(run.inside["run"] for run in results.select("a300", OURS, "unchanged"))
        yield Target(f"300 objects, unchanged: whole command / {KUBECTL}", 0.15, times)
        yield Target(f"300 objects, unchanged: in a started Python / {KUBECTL}", 0.15, times * inside / whole)
    for series in ("a300", "a5000"):
        if found := results.select(series, OURS, "unchanged"):
            count, allowed = results.notes[series]["objects"], results.notes[series]["pairs"] + 6
            requests = max(run.requests for run in found)
            # What the API server counted of our user, without the reads that the core knows of.
            writes = max(run.requests - run.inside["requests"].get("GET", 0) for run in found)
            yield Target(f"{count} objects, unchanged: requests, of (kind, namespace) pairs + 6", allowed, requests)
            yield Target(f"{count} objects, unchanged: writes", 0, writes)


def _times(results: Results, step: str, base: str) -> float | None:
    """Our seconds as a multiple of another's, where there are both."""
    ours, other = results.seconds("a300", OURS, step), results.seconds("a300", base, step)
    return ours.median / other.median if ours and other else None


def _memory(results: Results) -> Iterator[Target]:
    few, many = results.select("a300", OURS, "unchanged"), results.select("a5000", OURS, "unchanged")
    if few and many:
        grown = median(run.inside["run_memory"] for run in many) - median(run.inside["run_memory"] for run in few)
        page = results.notes["a5000"]["largest_page"] / 1e6
        what = "5000 objects, unchanged: memory of the run beyond that with 300, of the largest LIST answer"
        yield Target(what, page, grown / 1e6, " MB")


def _control_plane(results: Results) -> Iterator[Target]:
    series, ours = control_plane.SERIES, control_plane.OURS
    fresh, again = (results.seconds(series, ours, step) for step in ("fresh", "unchanged"))
    floor = [run.inside["behaves"] for run in results.select(series, control_plane.FLOOR, "fresh")]
    istioctl = results.seconds(series, control_plane.ISTIOCTL, "unchanged")
    if fresh and floor:
        yield Target("control plane, fresh: above the readiness floor", 0.5, fresh.median - median(floor), " s")
    if again and istioctl:
        yield Target("control plane, unchanged: whole command / istioctl install", 0.5, again.median / istioctl.median)
    if (cold := results.seconds(series, ours, "cold")) and istioctl:
        yield Target("control plane, unchanged, nothing cached / istioctl install", 0.5, cold.median / istioctl.median)


def _clusters(results: Results) -> Iterator[Target]:
    for step in clusters.STEPS:
        one = results.seconds(clusters.SERIES, clusters.SHIPPED, f"{step} 1")
        most = results.seconds(clusters.SERIES, clusters.SHIPPED, f"{step} 20")
        if one and most:
            yield Target(f"20 clusters, {step}: / one cluster", 2, most.median / one.median)


def _fronts(results: Results) -> Iterator[Target]:
    if note := results.notes.get(fronts.SERIES):
        yield Target("Pulumi's provider: from its start to its first answer", 0.5, median(note["starts"]), " s")


def _hosts(results: Results) -> Iterator[Target]:
    """A token is one request; what is common to hosts is not asked for again."""
    few, many = (results.median("requests", hosts.SERIES, hosts.OURS, str(number)) for number in hosts.NUMBERS[1:])
    if few is not None and many is not None:
        more = hosts.NUMBERS[2] - hosts.NUMBERS[1]
        yield Target("hosts outside Kubernetes: requests for each further one", 1, (many - few) / more)
