# SPDX-License-Identifier: Apache-2.0
"""Rolling restarts: a few workloads at a time, none that would leave a PodDisruptionBudget short of pods."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Sequence

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import PREFIX, Object, Ref, annotations_of, names, ref
from ..model.operation import Restart
from ..model.report import ObjectChange, Progress
from ..plan.disruption import minding, most, next_batch, taken, uncounted
from .readiness import status_of
from .waiting import Deadline, await_ready

#: What a pod template is restarted for, and when it was, as ``kubectl rollout restart`` writes it.
GOAL, _WHEN = f"{PREFIX}restarted-for", "kubectl.kubernetes.io/restartedAt"
#: Tries to change a workload whose controller writes its status all the time.
_TRIES = 8
#: Seconds between looks whether a budget has room again.
_PAUSE = 1.0
#: Seconds between two lines that tell what is waited for.
_TICK = 5.0


def shown(due: Iterable[Restart]) -> list[ObjectChange]:
    """Restarts as a report has them."""
    return [ObjectChange(ref(item.workload), "restart", reason=item.reason) for item in due]


def refuse_impossible(cluster: Cluster, due: Sequence[Restart]) -> None:
    """Raise MeshError ``disruption_budget`` where a budget never allows what a workload's rolling update takes."""
    budgets = _budgets(cluster, due)
    for item in due:
        for budget in minding(item.workload, budgets):
            if taken(item.workload) and uncounted(budget):
                text = f"its restart takes pods down, and {ref(budget)} allows none: {uncounted(budget)}"
                hint = "change what the budget selects, or have it say minAvailable as a number"
                raise MeshError("disruption_budget", text, where=str(ref(item.workload)), hint=hint)
            # A budget that counts no pods is one that its controller has not looked at yet.
            if budget.get("status", {}).get("expectedPods") and taken(item.workload) > most(budget):
                name, cost = budget["metadata"]["name"], taken(item.workload)
                pods = "1 pod" if cost == 1 else f"{cost} pods"
                never = f"PodDisruptionBudget {name} never allows more than {most(budget)}"
                text = f"its restart takes {pods} down at once, and {never}"
                hint = "let its rolling update add pods first (maxSurge), have more replicas, or change the budget"
                raise MeshError("disruption_budget", text, where=str(ref(item.workload)), hint=hint)


def restart(cluster: Cluster, due: Sequence[Restart], at_once: int, seconds: float, progress: Progress) -> None:
    """Restart all, each batch when the one before is ready; ``seconds`` is the time for one batch.

    Raises MeshError ``not_ready`` that names what was restarted (``applied``) and what was not (``pending``).
    """
    left, done = list(due), list[Ref]()
    deadline, whole = Deadline(seconds), Deadline(seconds)
    try:
        while left:
            batch = _await_room(cluster, left, at_once, deadline, progress)
            told = ", ".join(str(ref(item.workload)) for item in batch)
            progress(f"restarting {len(done) + 1} to {len(done) + len(batch)} of {len(due)}: {told}")
            begun = [obj for obj in cluster.map(lambda item: _begin(cluster, item), batch) if obj is not None]
            done += [ref(item.workload) for item in batch]
            left = [item for item in left if item not in batch]
            deadline = Deadline(seconds)
            await_ready(cluster, {ref(obj): obj for obj in begun}, deadline, progress)
    except MeshError as error:
        error.applied, error.pending = names(done), names(ref(item.workload) for item in left)
        raise
    if due:
        progress(f"{len(due)} restarted in {whole.elapsed:.1f} s")


def _budgets(cluster: Cluster, due: Sequence[Restart]) -> list[Object]:
    places = sorted({item.workload["metadata"]["namespace"] for item in due})
    found = cluster.map(lambda place: cluster.list("policy/v1", "PodDisruptionBudget", place), places)
    return [budget for part in found for budget in part]


def _await_room(
    cluster: Cluster, left: Sequence[Restart], at_once: int, deadline: Deadline, progress: Progress
) -> list[Restart]:
    """What may restart next, as soon as budgets have room for it."""
    next_tick = time.monotonic() + _TICK
    while True:
        budgets = _budgets(cluster, left)
        fitting = next_batch([item.workload for item in left], budgets, at_once)
        if fitting:
            return [item for item in left if item.workload in fitting]
        short = sorted({str(ref(budget)) for item in left for budget in minding(item.workload, budgets)})
        text = f"{', '.join(short[:3])} {'allows' if len(short) == 1 else 'allow'} no restart now"
        if not deadline.left:
            hint = "look why pods are not ready, or lower what the budget asks for; then run again"
            raise MeshError("not_ready", f"{text} after {deadline.seconds:.0f} s", hint=hint)
        if time.monotonic() >= next_tick:
            next_tick = time.monotonic() + _TICK
            progress(f"waiting, {deadline.elapsed:.0f} s: {text}")
        cluster.transport.pause(min(_PAUSE, deadline.left))


def _begin(cluster: Cluster, item: Restart) -> Object | None:
    """The workload with a new pod template, or as somebody else has just restarted it for the same; None when it has
    gone."""
    key = ref(item.workload)
    for attempt in range(_TRIES):
        live = cluster.get(item.workload["apiVersion"], key.kind, key.namespace, key.name)
        if live is None:
            return None
        template = live["spec"]["template"]
        if annotations_of(template).get(GOAL) == item.goal and not status_of(live).ready:
            return live
        when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        marks = {"metadata": {"annotations": {GOAL: item.goal, _WHEN: when}}}
        patch = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "spec": {"template": marks}}
        try:
            return cluster.merge_patch(key, patch)
        except ApiFailure as error:
            if error.status == 404:
                return None
            if error.status != 409 or attempt == _TRIES - 1:
                raise
    return None
