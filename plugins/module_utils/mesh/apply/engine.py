# SPDX-License-Identifier: Apache-2.0
"""The engine: runs any operation, in check mode or for real, and tells what happened."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import Object, Ref, names, ref
from ..model.operation import AnyOperation, Declarative, Proof, Query, Restart
from ..model.options import Mode, RunOptions
from ..model.permissions import Needs
from ..model.report import APPLIED, Progress, Report
from ..model.spec import secrets_of as declared_secrets
from . import inventory, permissions, restarting
from .applying import Run
from .lock import Lock
from .narration import headline, lines, restart_lines
from .placing import known_kinds
from .planned import Planned, last_seen
from .planning import findings, plan_for
from .settling import validate_creates
from .waiting import Deadline, await_gone, await_ready

#: Seconds by which clocks may differ before certificates and tokens begin to fail for it.
_SKEW = 30.0


def run(
    operation: AnyOperation, spec: Any, cluster: Cluster, options: RunOptions, mode: Mode, progress: Progress
) -> Report:
    """Run an operation on one cluster. Raises MeshError; the cluster's name is put in front of its place."""
    secrets = cluster.transport.secrets
    secrets.learn(declared_secrets(spec))
    try:
        if isinstance(operation, Query):
            cluster.tell = lambda line: progress(secrets.hide(line))
            report = Report(result=operation.answer(cluster, spec))
        else:
            told = _Declared(operation, spec, cluster, options, mode, lambda line: progress(secrets.hide(line)))
            report = told.report()
    except MeshError as error:
        raise error.at(cluster.name).without(secrets.hide) from None
    except RecursionError:
        raise MeshError("invalid_object", "something is nested too deeply", where=cluster.name) from None
    report.warnings += _of_the_server(cluster)
    return report.without(secrets) if secrets else report


def _of_the_server(cluster: Cluster) -> list[str]:
    """What the API server warned of, and a clock that differs from ours."""
    offset = cluster.transport.clock_offset
    skew = f"the clock of {cluster.transport.server} differs from this machine's by {offset:+.0f} s"
    return [*cluster.transport.notices, *([skew] if abs(offset) > _SKEW else [])]


@dataclass
class _Declared:
    """One run of a declarative operation."""

    operation: Declarative[Any, Any]
    spec: Any
    cluster: Cluster
    options: RunOptions
    mode: Mode
    progress: Progress

    def report(self) -> Report:
        """Plan, tell, carry out unless it is check mode, and say what there is."""
        facts, planned, warnings = self._plan()
        try:
            return self._carried_out(facts, planned, warnings)
        except MeshError as error:
            error.warnings = [*warnings, *error.warnings]
            raise

    def _carried_out(self, facts: Any, planned: Planned, warnings: list[str]) -> Report:
        if not self.mode.check:
            facts, planned, state = self._bring_about(facts, planned)
        else:
            state = last_seen(planned, {})
        report = Report(planned.plan.changed, [change.shown() for change in planned.plan.changes], warnings=warnings)
        try:
            due = self._restarted(facts, planned)
        except MeshError as error:
            error.applied = [*([] if self.mode.check else names(planned.written)), *error.applied]
            raise
        report.restarts = restarting.shown(due)
        report.changed |= bool(due)
        if self.mode.state == "present":
            seen = self.operation.observe(self.cluster, self.spec) if due and not self.mode.check else facts
            report.result = self.operation.result(self.spec, seen, state)
        report.ready = not (self.mode.check and report.changed)
        return report

    def _lingering(self, planned: Planned) -> list[Ref]:
        """What is still there of a removal when the plan is carried out."""
        if self.mode.state != "absent" or not planned.plan.by("delete"):
            return []
        return [ref(obj) for obj in self.operation.lingering(self.cluster, self.spec)]

    def _foreseen(self, facts: Any) -> Sequence[Restart]:
        """What is to be restarted once the plan is carried out, as far as one can tell."""
        return self.operation.restarts(self.cluster, self.spec, facts, self.mode.state, False)

    def _restarted(self, facts: Any, planned: Planned) -> Sequence[Restart]:
        """What was, or in check mode would be, restarted."""
        settled = not (self.mode.check and planned.plan.changed)
        due = self.operation.restarts(self.cluster, self.spec, facts, self.mode.state, settled)
        if not due:
            return due
        for line in restart_lines(due, self.mode):
            self.progress(line)
        restarting.refuse_impossible(self.cluster, due)
        if not self.mode.check:
            permissions.check(self.cluster, Needs(set(self.operation.needs(self.spec))))
            at_once = self.operation.at_once(self.spec)
            restarting.restart(self.cluster, due, at_once, self.options.wait_timeout, self.progress)
        return due

    def _plan(self) -> tuple[Any, Planned, list[str]]:
        facts = self.operation.observe(self.cluster, self.spec)
        found = self.operation.preflight(self.spec, facts, self.mode.state)
        warnings = findings(found, check=self.mode.check, adopt=self.options.adopt)
        planned = plan_for(self.cluster, self.operation, self.spec, facts, self.options, self.mode)
        if planned.plan.changed:
            # What no budget would ever allow is refused as long as nothing is written.
            restarting.refuse_impossible(self.cluster, self._foreseen(facts))
        if planned.plan.changed:
            kinds = known_kinds(self.cluster, planned.sets)
            wait = self.mode.state == "present" and self.options.wait
            needed = permissions.needed(planned, kinds, wait=wait)
            needed.permissions.update(self.operation.needs(self.spec))
            permissions.check(self.cluster, needed)
        if self.mode.state == "present":
            everything = self.mode.check or self.options.validate == "server"
            validate_creates(self.cluster, planned, bindings_only=not everything)
        self.progress(headline(planned.plan, self.mode))
        for line in lines(planned.plan):
            self.progress(line)
        return facts, planned, warnings + planned.warnings

    def _bring_about(self, facts: Any, planned: Planned) -> tuple[Any, Planned, Mapping[Ref, Object]]:
        deadline = Deadline(self.options.wait_timeout)
        work = Run(self.cluster, planned, self.options, deadline, self.progress)
        try:
            if work.unsettled:
                work.apply_namespaces()
                there = {name: parent.live for name, parent in planned.live.parents.items() if parent.live}
                with Lock(self.cluster, work.unsettled, deadline, self.progress, there):
                    if inventory.moved(self.cluster, planned.live.parents):
                        self.progress("another run changed the set meanwhile; planning again")
                        facts, planned, _warnings = self._plan()
                        work = Run(self.cluster, planned, self.options, deadline, self.progress)
                    lingering = self._lingering(planned)
                    work.carry_out()
                    await_gone(self.cluster, lingering, deadline, self.progress)
            state: Mapping[Ref, Object] = last_seen(planned, work.applied)
            if self.mode.state == "present" and self.options.wait:
                state = await_ready(self.cluster, state, deadline, self.progress)
                made = {ref(obj): obj for obj in self.operation.made(self.cluster, self.spec)}
                await_ready(self.cluster, made, deadline, self.progress)
                if any(change.ref.kind == "CustomResourceDefinition" for change in planned.plan.by(*APPLIED)):
                    self.cluster.forget_kinds()
                _prove(self.cluster, self.operation.proofs(self.spec, facts), state, deadline, self.progress)
        except MeshError as error:
            error.applied = names(work.done)
            error.pending = error.pending or names(work.pending)
            raise
        if planned.plan.changed:
            self.progress(f"done in {deadline.elapsed:.1f} s")
        return facts, planned, state


def _prove(
    cluster: Cluster, proofs: Sequence[Proof], state: Mapping[Ref, Object], deadline: Deadline, progress: Progress
) -> None:
    """Probe until every proof holds; what the live objects already show is not probed."""
    for proof in proofs:
        if not proof.evident(state):
            _probe(cluster, proof, deadline, progress)


def _probe(cluster: Cluster, proof: Proof, deadline: Deadline, progress: Progress) -> None:
    pause, told = 0.1, time.monotonic()
    while True:
        try:
            reason = proof.probe(cluster)
        except ApiFailure as error:
            reason = error.msg
        if reason is None:
            return
        if not deadline.left:
            raise MeshError(
                "not_ready",
                f"{proof.name} is not proven after {deadline.seconds:.0f} s: {reason}",
                hint="look at the logs of istiod; run again when it is mended",
            )
        if time.monotonic() - told > 5:
            told = time.monotonic()
            progress(f"waiting, {proof.name}, {deadline.elapsed:.0f} s: {reason}")
        cluster.transport.pause(min(pause, deadline.left or 0.01))
        pause = min(pause * 1.5, 1.0)
