# SPDX-License-Identifier: Apache-2.0
"""Which requests the fault campaign spoils, and in which ways."""

from __future__ import annotations

import pytest

from tests.faults.cases import ALL, case_of, full, quick
from tests.faults.kinds import KILLS, KINDS, WATCHES
from tests.faults.proxy import Seen
from tests.faults.workloads import Pair, Workload

READ, WRITE = ("GET", "/api/v1/namespaces/a"), ("PATCH", "/api/v1/namespaces/a?fieldManager=x")
WATCH, DRY_RUN = ("GET", "/api/v1/pods?watch=1"), ("PATCH", "/api/v1/namespaces/a?dryRun=All")
REVIEW = ("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")


def seen(*requests):
    return [Seen(number, *request) for number, request in enumerate(requests)]


def workload(**pair):
    return Workload("w", {}, (Pair("a", "b", **pair),))


def requests(there, back=()):
    return {("a", "b"): seen(*there), ("b", "a"): seen(*back)}


@pytest.mark.parametrize(
    ("request_", "write", "watch"),
    [
        (READ, False, False),
        (WRITE, True, False),
        (WATCH, False, True),
        (DRY_RUN, False, False),
        (REVIEW, False, False),
    ],
)
def test_what_a_request_is(request_, write, watch):
    (one,) = seen(request_)
    assert (one.write, one.watch) == (write, watch)


def test_the_product_has_each_request_in_each_way_that_fits():
    cases = full(workload(product=True), requests([READ, WRITE]), seed=1)
    kinds = {n: {c.kind for c in cases if c.index == n and c.source == "a"} - WATCHES.keys() for n in (0, 1)}
    assert kinds[0] == (KINDS | KILLS).keys() - {"409", "twice"}
    assert kinds[1] == (KINDS | KILLS).keys()
    assert {case.kind for case in cases if case.source == "b"} == WATCHES.keys()


def test_what_needs_an_answer_to_spoil_is_not_done_to_a_stream():
    kinds = {case.kind for case in full(workload(product=True), requests([WATCH]), seed=1) if case.request[0] == "G"}
    assert "truncated" not in kinds
    assert {"reset-before", "kill-after"} <= kinds


@pytest.mark.parametrize(("stride", "seed", "hit"), [(1, 5, [0, 1, 2, 3]), (2, 4, [0, 2]), (2, 5, [1, 3])])
def test_round_robin_has_every_request_once_or_every_nth(stride, seed, hit):
    cases = quick(workload(stride=stride), requests([READ] * 4, [WRITE] * 4), seed)
    for source in "ab":
        assert [c.index for c in cases if c.source == source and c.kind not in WATCHES] == hit
    kinds = [case.kind for case in cases if case.kind not in WATCHES]
    assert len(set(kinds)) == len(kinds), "in turn"


def test_the_seed_decides():
    wanted = [quick(workload(), requests([READ] * 9), seed) for seed in (1, 1, 2)]
    assert wanted[0] == wanted[1] != wanted[2]


def test_there_and_back_in_turn():
    cases = quick(workload(), requests([READ] * 3, [READ] * 3), seed=1)
    assert [case.source for case in cases] == ["a", "b"] * (len(cases) // 2)


def test_a_case_is_found_again_by_its_name():
    case = quick(workload(), requests([READ]), seed=1)[0]
    assert str(case_of(str(case))) == str(case)
    assert case.kind in ALL
