# SPDX-License-Identifier: Apache-2.0
"""Carrying a plan out: stages in order, everything inside a stage in parallel, and a truthful word on failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..kube.cluster import Cluster
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, labels_of, names
from ..model.options import RunOptions
from ..model.report import Progress
from ..plan.changes import MANAGED_BY, Change
from ..plan.owners import PART_OF
from . import inventory
from .inventory import Hints, hints_of
from .planning import Planned, forced
from .stages import Stage, removal_stages, stage_of, stages
from .waiting import Deadline, await_gone, await_ready, await_served

Step = tuple[Stage, list[Change]]


class Run:
    """One plan being carried out. ``applied`` are objects as the API server returned them."""

    def __init__(
        self, cluster: Cluster, planned: Planned, options: RunOptions, deadline: Deadline, progress: Progress
    ) -> None:
        self._cluster, self._planned, self._options = cluster, planned, options
        self._deadline, self._progress = deadline, progress
        self.done: list[Ref] = []
        self._recorded = {name: inventory.recorded(parent) for name, parent in planned.live.parents.items()}
        self.applied: dict[Ref, Object] = {}

    def apply_before_custom(self) -> None:
        """Namespaces, inventories, then every stage up to the webhooks."""
        steps = stages(self._planned.plan.by("create", "update"))
        for step in steps:
            if step[0] is Stage.NAMESPACES:
                self._carry_out(step, self._apply)
        self._grow_inventories()
        for step in steps:
            if Stage.NAMESPACES < step[0] < Stage.CUSTOM:
                self._carry_out(step, self._apply)

    def apply_custom(self) -> None:
        """Custom resources, after their definitions are served and webhooks are proven."""
        for stage, changes in stages(self._planned.plan.by("create", "update")):
            if stage is Stage.CUSTOM:
                self._await_definitions(changes)
                self._carry_out((stage, changes), self._apply)

    def remove(self) -> None:
        """Deletions and releases in reverse order, then inventories shrink to what is left."""
        steps = removal_stages(self._planned.plan.by("delete", "release"))
        for stage, changes in steps:
            self._carry_out((stage, changes), self._take_away)
            gone = [change.ref for change in changes if change.action == "delete"]
            # Definitions wait for their objects, namespaces for their contents: the next stage stands on it.
            if stage in (Stage.CUSTOM, Stage.WORKLOADS, Stage.DEFINITIONS, Stage.NAMESPACES):
                await_gone(self._cluster, gone, self._deadline, self._progress)
        for change in self._planned.plan.by("delete"):
            if change.ref.kind == "CustomResourceDefinition":
                self._cluster.forget_kinds()

    def shrink_inventories(self) -> None:
        """Record what is there now; a set without members has no inventory."""
        for item in self._planned.sets:
            parent = self._planned.live.parents[item.id]
            left = [
                change.ref
                for change in self._planned.plan.by("create", "update", "unchanged", "keep")
                if change.set.id == item.id and change.member
            ]
            if left:
                self._record(item, hints_of(left, item.namespace))
            elif parent.live is not None:
                self._cluster.delete(parent.ref)

    def _grow_inventories(self) -> None:
        for item in self._planned.sets:
            wanted = [
                c.ref
                for c in self._planned.plan.by("create", "update", "unchanged")
                if c.set.id == item.id and c.member
            ]
            if wanted:
                parent = self._planned.live.parents[item.id]
                self._record(item, hints_of(wanted, item.namespace) | parent.hints)

    def _record(self, item: ObjectSet, hints: Hints) -> None:
        if self._recorded[item.id] != hints:
            inventory.write(self._cluster, item, hints)
            self._recorded[item.id] = hints

    def _await_definitions(self, customs: Sequence[Change]) -> None:
        """Also definitions that need no change: the run that applied them may have died a moment ago."""
        found = self._planned.plan.by("create", "update", "unchanged")
        definitions = [change for change in found if change.ref.kind == "CustomResourceDefinition"]
        states = {change.ref: self.applied.get(change.ref) or change.found for change in definitions}
        await_ready(self._cluster, states, self._deadline, self._progress)
        if states.keys() & self.applied.keys():
            self._cluster.forget_kinds()
        await_served(self._cluster, ((c.sent["apiVersion"], c.sent["kind"]) for c in customs), self._deadline)

    def _apply(self, change: Change) -> None:
        force = forced(change, self._options)
        self.applied[change.ref] = self._cluster.apply(change.sent, change.set.manager, force=force)

    def _take_away(self, change: Change) -> None:
        if change.action == "delete":
            uid = change.live["metadata"]["uid"] if change.live else None
            # A workload is gone when its pods are: what comes next (the control plane) must not lose them.
            self._cluster.delete(change.ref, uid, with_dependents=stage_of(change.ref) is Stage.WORKLOADS)
        elif change.obj is not None:
            self._cluster.apply(change.obj, change.set.manager, force=True)
        else:
            self._cluster.merge_patch(change.ref, _forgotten(change))

    def _carry_out(self, step: Step, act: Callable[[Change], None]) -> None:
        stage, changes = step
        if len(changes) > 20:
            self._progress(f"{stage.name.lower()}: {len(changes)} objects, {self._deadline.elapsed:.0f} s")
        outcomes = [(change, self._cluster.pool.submit(act, change)) for change in changes]
        errors: list[tuple[Change, MeshError]] = []
        for change, outcome in outcomes:
            try:
                outcome.result()
                self.done.append(change.ref)
            except MeshError as error:
                errors.append((change, error))
        if errors:
            raise self._stopped(errors)

    def _stopped(self, errors: Sequence[tuple[Change, MeshError]]) -> MeshError:
        first = errors[0][1]
        todo = self._planned.plan.by("create", "update", "delete", "release")
        first.pending = names({change.ref for change in todo} - set(self.done))
        if len(errors) > 1:
            first.msg += f" (and {len(errors) - 1} more objects failed)"
        return first


def _forgotten(change: Change) -> Object:
    """The patch that takes our label and field manager off an object; guarded against changes meanwhile."""
    metadata = change.found["metadata"]
    entries = metadata.get("managedFields") or []
    marks = {key: None for key in (PART_OF, MANAGED_BY) if key in labels_of(change.found)}
    return {
        "metadata": {
            "resourceVersion": metadata["resourceVersion"],
            "managedFields": [entry for entry in entries if entry["manager"] != change.set.manager],
            **({"labels": marks} if change.member and marks else {}),
        }
    }
