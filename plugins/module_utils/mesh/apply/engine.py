# SPDX-License-Identifier: Apache-2.0
"""The engine: runs any operation, in check mode or for real, and tells what happened."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import Object, Ref, names
from ..model.operation import AnyOperation, Declarative, Proof, Query
from ..model.options import Mode, RunOptions
from ..model.report import Progress, Report
from . import permissions
from .applying import Run
from .narration import headline, lines
from .planning import Planned, findings, known_kinds, last_seen, plan_for, validate_creates
from .waiting import Deadline, await_ready


def run(
    operation: AnyOperation, spec: Any, cluster: Cluster, options: RunOptions, mode: Mode, progress: Progress
) -> Report:
    """Run an operation on one cluster. Raises MeshError; the cluster's name is put in front of its place."""
    try:
        if isinstance(operation, Query):
            return Report(result=operation.answer(cluster, spec))
        if isinstance(operation, Declarative):
            return _declare(operation, spec, cluster, options, mode, progress)
        return operation.act(cluster, spec, mode.check)
    except MeshError as error:
        raise error.at(cluster.name) from None


def _declare(
    operation: Declarative[Any, Any], spec: Any, cluster: Cluster, options: RunOptions, mode: Mode, progress: Progress
) -> Report:
    facts = operation.observe(cluster, spec)
    warnings = findings(operation.preflight(spec, facts, mode.state), mode.check)
    planned = plan_for(cluster, operation, spec, facts, options, mode)
    permissions.check(cluster, permissions.needed(planned.plan.changes, known_kinds(cluster, planned.sets)))
    if mode.state == "present" and (mode.check or options.validate == "server"):
        validate_creates(cluster, planned)
    progress(headline(planned.plan, mode))
    for line in lines(planned.plan):
        progress(line)

    report = Report(planned.plan.changed, [c.shown() for c in planned.plan.changes], warnings=warnings)
    report.warnings += planned.warnings
    state: Mapping[Ref, Object] = last_seen(planned, {})
    if mode.check:
        report.ready = not planned.plan.changed
    elif mode.state == "present":
        state = _bring_about(operation, spec, facts, cluster, planned, options, progress)
    else:
        _take_away(cluster, planned, options, progress)
    if mode.state == "present":
        report.result = operation.result(spec, facts, state)
    return report


def _bring_about(
    operation: Declarative[Any, Any],
    spec: Any,
    facts: Any,
    cluster: Cluster,
    planned: Planned,
    options: RunOptions,
    progress: Progress,
) -> Mapping[Ref, Object]:
    deadline = Deadline(options.wait_timeout)
    run_ = Run(cluster, planned, options, deadline, progress)
    try:
        run_.apply_before_custom()
        run_.apply_custom()
        run_.remove()
        run_.shrink_inventories()
        state = last_seen(planned, run_.applied)
        if options.wait:
            state = await_ready(cluster, state, deadline, progress)
            if any(change.ref.kind == "CustomResourceDefinition" for change in planned.plan.by("create", "update")):
                cluster.forget_kinds()
            _prove(cluster, operation.proofs(spec, facts), state, deadline, progress)
    except MeshError as error:
        error.applied = names(run_.done)
        raise
    if planned.plan.changed:
        progress(f"done in {deadline.elapsed:.1f} s")
    return state


def _take_away(cluster: Cluster, planned: Planned, options: RunOptions, progress: Progress) -> None:
    deadline = Deadline(options.wait_timeout)
    run_ = Run(cluster, planned, options, deadline, progress)
    try:
        run_.remove()
        run_.shrink_inventories()
    except MeshError as error:
        error.applied = names(run_.done)
        raise
    if planned.plan.changed:
        progress(f"done in {deadline.elapsed:.1f} s")


def _prove(cluster: Cluster, proofs: Any, state: Mapping[Ref, Object], deadline: Deadline, progress: Progress) -> None:
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
        time.sleep(min(pause, deadline.left or 0.01))
        pause = min(pause * 1.5, 1.0)
