# SPDX-License-Identifier: Apache-2.0
"""Which request is spoilt in which way: every one once, kinds in turn, or every one in every way."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.kinds import KILLS, KINDS, WATCHES
from tests.faults.proxy import Fault, Seen
from tests.faults.workloads import Pair, Way, Workload

ALL = KINDS | WATCHES | KILLS
#: Kinds for which any request will do; which watches there are depends on how fast things get ready.
_FOR_ANY = KINDS | KILLS

#: The requests of each way, as they came when nobody disturbed.
Requests = Mapping[Way, Sequence[Seen]]


@dataclass(frozen=True)
class Case:
    """``request`` is what had this index when nobody disturbed; requests run in parallel, so another may be hit."""

    workload: str
    source: str
    target: str
    index: int
    kind: str
    request: str = ""

    def __str__(self) -> str:
        return f"{self.workload}:{self.source}:{self.target}:{self.index}:{self.kind}"


def case_of(text: str) -> Case:
    """The case of which ``text`` is the name."""
    workload, source, target, index, kind = text.split(":")
    return Case(workload, source, target, int(index), kind)


def quick(workload: Workload, requests: Requests, seed: int) -> list[Case]:
    """Every request once; of costly pairs every nth, which ones the seed decides."""
    turn = _turn(seed)
    return [case for pair in workload.pairs for case in _round_robin(workload, pair, requests, turn, seed, pair.stride)]


def full(workload: Workload, requests: Requests, seed: int) -> list[Case]:
    """Every request in every way; of costly pairs every request once."""
    turn = _turn(seed)
    found = []
    for pair in workload.pairs:
        found += (
            _product(workload, pair, requests)
            if pair.product
            else _round_robin(workload, pair, requests, turn, seed, stride=1)
        )
    return found


def _turn(seed: int) -> Iterator[Fault]:
    kinds = list(_FOR_ANY.values())
    random.Random(seed).shuffle(kinds)
    return itertools.cycle(kinds)


def _round_robin(
    workload: Workload, pair: Pair, requests: Requests, turn: Iterator[Fault], seed: int, stride: int
) -> list[Case]:
    rows = []
    for way in pair.ways:
        chosen = requests[way][seed % stride :: stride]
        row = [_case(workload, way, request, _next(turn, request)) for request in chosen]
        rows.append(row + _first_watch(workload, way))
    return _to_and_fro(*rows)


def _next(turn: Iterator[Fault], request: Seen) -> Fault:
    return next(fault for fault in turn if fault.applies(request))


def _product(workload: Workload, pair: Pair, requests: Requests) -> list[Case]:
    rows = []
    for way in pair.ways:
        pairs = itertools.product(requests[way], _FOR_ANY.values())
        row = [_case(workload, way, request, fault) for request, fault in pairs if fault.applies(request)]
        rows.append(row + _first_watch(workload, way))
    return _to_and_fro(*rows)


def _first_watch(workload: Workload, way: Way) -> list[Case]:
    return [Case(workload.name, *way, 0, kind, "the first watch") for kind in WATCHES]


def _case(workload: Workload, way: Way, request: Seen, fault: Fault) -> Case:
    return Case(workload.name, *way, request.number, fault.name, f"{request.method} {request.path}")


def _to_and_fro(there: Sequence[Case], back: Sequence[Case]) -> list[Case]:
    """There and back in turn, so that a case begins where the one before it ended."""
    pairs = itertools.zip_longest(there, back)
    return [case for pair in pairs for case in pair if case]
