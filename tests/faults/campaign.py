# SPDX-License-Identifier: Apache-2.0
"""One case after the other on one cluster, and what is checked after each of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.kubeconfig import Access
from tests.faults.cases import ALL, Case
from tests.faults.engine import Apart, Ended, here
from tests.faults.kinds import KILLS
from tests.faults.oracle import Oracle, Snapshot, differences
from tests.faults.proxy import Plan, Proxy, Seen
from tests.faults.workloads import NOTHING, Way, Workload

#: Seconds within which even a spoilt run must end: its own deadline, and the retries of one request.
_LIMIT = 150.0


@dataclass(frozen=True)
class Verdict:
    """How a case went: ``hit`` is the request that was spoilt, ``violations`` what was promised and not kept."""

    case: Case
    hit: str
    ended: Ended
    violations: list[str] = field(default_factory=list)


class Series:
    """One workload on one cluster: undisturbed first, to know what is right, then case by case."""

    def __init__(self, workload: Workload, upstream: Access, oracle: Oracle) -> None:
        self.workload, self._upstream, self._oracle = workload, upstream, oracle
        self.right: dict[str, Snapshot] = {}
        self.requests: dict[Way, list[Seen]] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="faults-")
        self._at = ""

    def learn(self) -> None:
        """What each state looks like when it comes from nothing, and the requests of each way."""
        self._undisturbed(NOTHING)
        self._oracle.remember()
        ways = [way for pair in self.workload.pairs for way in pair.ways]
        for state in dict.fromkeys([NOTHING, *(target for _source, target in ways)]):
            self._undisturbed(NOTHING)
            self._undisturbed(state)
            self.right[state] = self._oracle.snapshot()
            if wrong := self.right[state].problems or (state == NOTHING and self.right[state].objects):
                raise RuntimeError(f"{self.workload.name} {state}, undisturbed: {', '.join(wrong)}")
        for source, target in ways:
            self._go_to(source)
            self.requests[source, target] = self._undisturbed(target)

    def run(self, case: Case) -> Verdict:
        """One case, judged."""
        self._go_to(case.source)
        ended, hit = self._spoilt(case)
        violations = [ended.flaw] if ended.flaw else []
        if ended.seconds > _LIMIT:
            violations.append(f"the run took {ended.seconds:.0f} s")
        if ended.code:
            violations += self._untrue(case, ended)
        violations += self._converges(case.target, ended)
        violations += differences(self.right[case.target], self._oracle.snapshot())
        self._at = "" if violations else case.target
        return Verdict(case, str(hit or ""), ended, violations)

    def _spoilt(self, case: Case) -> tuple[Ended, Seen | None]:
        job, fault = self.workload.states[case.target], ALL[case.kind]
        with Proxy(self._upstream, Path(self._scratch.name), Plan(fault, case.index)) as proxy:
            if case.kind not in KILLS:
                return here(job, proxy.kubeconfig), proxy.hit
            engine = Apart(job, proxy.kubeconfig)
            proxy.kill = engine.kill
            return engine.wait(), proxy.hit

    def _untrue(self, case: Case, ended: Ended) -> Iterator[str]:
        """What a failed run says it applied must be as wanted; what it changed must be among what it says."""
        found = self._oracle.snapshot().objects
        before, wanted = self.right[case.source].objects, self.right[case.target].objects
        for name in ended.applied:
            leaving = name not in wanted and "deletionTimestamp" in found.get(name, {}).get("metadata", ())
            if found.get(name) != wanted.get(name) and not leaving:
                yield f"the run said it applied {name}, but that is not as wanted"
        told = {*ended.applied, *ended.pending}
        for name in sorted(found.keys() | before.keys()):
            if found.get(name) != before.get(name) and name not in told and not _bookkeeping(name):
                yield f"the run changed {name}, but named it neither as applied nor as pending"

    def _converges(self, state: str, ended: Ended) -> Iterator[str]:
        """The next run puts all right, the third has nothing to do; after success only bookkeeping may be left."""
        again, writes = self._run(state)
        if not again.ok:
            yield f"the next run does not converge: {again.flaw or again.text}"
        elif ended.ok and (missed := [item for item in writes if not _of_bookkeeping(item)]):
            yield f"the run said that all is done, but the next one writes: {_shown(missed)}"
        elif writes:
            third, writes = self._run(state)
            if writes or not third.ok:
                yield f"the third run writes: {third.flaw or third.text}{_shown(writes)}"

    def _run(self, state: str) -> tuple[Ended, list[Seen]]:
        with Proxy(self._upstream, Path(self._scratch.name)) as proxy:
            return here(self.workload.states[state], proxy.kubeconfig), proxy.writes

    def _undisturbed(self, state: str) -> list[Seen]:
        with Proxy(self._upstream, Path(self._scratch.name)) as proxy:
            ended = here(self.workload.states[state], proxy.kubeconfig)
            if not ended.ok:
                raise RuntimeError(f"{self.workload.name} {state}, undisturbed: {ended.flaw or ended.text}")
            self._at = state
            return proxy.seen

    def _go_to(self, state: str) -> None:
        """After a violation nobody knows where we are: by way of nothing."""
        if not self._at:
            self._undisturbed(NOTHING)
        if self._at != state:
            self._undisturbed(state)

    def close(self) -> None:
        """Leave nothing."""
        self._undisturbed(NOTHING)
        self._scratch.cleanup()


def _bookkeeping(name: str) -> bool:
    """Inventories and locks are not what a person asked for."""
    return name.startswith("Lease ") or (name.startswith("ConfigMap ") and "/meshops-" in name)


def _of_bookkeeping(request: Seen) -> bool:
    return "/leases" in request.path or "/configmaps/meshops-" in request.path


def _shown(writes: Sequence[Seen]) -> str:
    more = f" and {len(writes) - 4} more" if len(writes) > 4 else ""
    return ", ".join(f"{item.method} {item.path.partition('?')[0]}" for item in writes[:4]) + more
