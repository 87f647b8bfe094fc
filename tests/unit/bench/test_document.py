# SPDX-License-Identifier: Apache-2.0
"""The document and the verdicts follow from the results."""

from __future__ import annotations

import pytest

from bench import clusters, control_plane
from bench.contenders import CORE_K8S, FLOOR, KUBECTL, OURS, OURS_PLAYBOOK
from bench.document import render
from bench.results import Calibration, Result, Results, inside, load
from bench.targets import targets


def result(series, contender, step, seconds, number=1, **other):
    defaults = {"cpu": 0.5, "memory": 50_000_000, "requests": 9, "writes": 0, "up": 10_000, "down": 90_000}
    told = {"run": seconds / 2, "run_memory": 1_000_000, "requests": {"GET": 9}, "machine": 0.5, "behaves": seconds}
    return Result(series, contender, step, number, seconds, **{**defaults, "inside": told, **other})


ABOUT = {
    "command": "make bench",
    "date": "2026-01-01",
    "cores": 2,
    "processor": "some",
    "memory": 8e9,
    "kernel": "6.1",
    "rounds": 2,
    "versions": {"kubectl": "1.37.1"},
}


@pytest.fixture
def results():
    found = Results(dict(ABOUT), {"a300": {"objects": 300, "pairs": 3, "round_trip": 0}})
    found.calibrations = [Calibration("a300", 1, 0.5, 1000), Calibration("b", 1, 0.5, 1000)]
    found.runs = [
        *(result("a300", OURS, "create", seconds, n) for n, seconds in enumerate((1.0, 1.2, 1.1))),
        result("a300", FLOOR, "create", 1.0),
        result("a300", KUBECTL, "create", 2.0),
        result("a300", OURS, "unchanged", 0.3),
        result("a300", KUBECTL, "unchanged", 1.5),
        result("a300", OURS_PLAYBOOK, "create", 2.0),
        result("a300", CORE_K8S, "create", 5.0),
        result("b", control_plane.FLOOR, "fresh", 0.4, inside={"behaves": 4.0}),
        result("b", control_plane.OURS, "fresh", 4.4),
        result("c", clusters.SHIPPED, "create 1", 1.0),
        result("c", clusters.SHIPPED, "create 20", 3.0),
    ]
    return found


def test_verdicts(results):
    found = {target.what: (round(target.measured, 2), target.reached) for target in targets(results)}
    assert found == {
        f"300 objects, create: whole command / {FLOOR}": (1.1, True),
        f"300 objects, create: whole command / {KUBECTL}": (0.55, True),
        f"300 objects, unchanged: whole command / {KUBECTL}": (0.2, False),
        f"300 objects, unchanged: in a started Python / {KUBECTL}": (0.1, True),
        "300 objects, unchanged: requests, of (kind, namespace) pairs + 6": (9, True),
        "300 objects, unchanged: writes": (0, True),
        "control plane, fresh: above the readiness floor": (0.4, True),
        "20 clusters, create: / one cluster": (3.0, False),
    }


def test_a_write_that_the_core_does_not_know_of_is_found(results):
    results.runs.append(result("a300", OURS, "unchanged", 0.3, requests=10))
    found = {target.what: target.measured for target in targets(results)}
    assert found["300 objects, unchanged: writes"] == 1


def test_memory_beyond_the_largest_answer(results):
    results.notes["a5000"] = {"objects": 5000, "pairs": 3, "round_trip": 0, "largest_page": 2_000_000}
    told = {"run": 1.0, "run_memory": 4_000_000, "requests": {"GET": 9}}
    results.runs.append(result("a5000", OURS, "unchanged", 3.0, inside=told))
    memory = next(target for target in targets(results) if "memory" in target.what)
    assert (memory.limit, memory.measured, memory.reached) == (2.0, 3.0, False)


@pytest.mark.parametrize(
    "line",
    [
        "Written by `make bench` on 2026-01-01 from its results. Do not edit.",
        f"| {OURS} | 1.10 (1.00-1.20) | 0.30 (1 run) |",
        f"| {KUBECTL} | 2.00 (1 run) x1.82 | 1.50 (1 run) x5.00 |",
        f"| {CORE_K8S} | 5.00 (1 run) x2.50 | - |",
        f"| {control_plane.FLOOR} | - | 4.00 (1 run) | - | - |",
        "| create, as shipped | 1.00 (1 run) | - | - | - | 3.00 (1 run) |",
        "| 20 clusters, create: / one cluster | 2 | 3 | **no** |",
    ],
)
def test_lines(results, line):
    assert line in render(results).splitlines()


def test_failures_are_said(results):
    results.fail("a300", "helm", ValueError("no"))
    assert "* a300, helm: no" in render(results).splitlines()


def test_stopped_contenders_are_said(results):
    results.runs.append(result("a300", "slow", "create", 120.0, timed_out=True))
    assert "| slow | more than 120, stopped | - |" in render(results)


def test_saved_and_loaded(results, tmp_path):
    results.save(tmp_path / "results.json")
    assert load(tmp_path / "results.json") == results


@pytest.mark.parametrize(
    ("output", "found"), [('noise\n{"run": 1}\n', {"run": 1}), ("done", {}), ("", {}), ("[1]\n", {}), ("3", {})]
)
def test_what_a_contender_tells(output, found):
    assert inside(type("Measured", (), {"output": output})()) == found
