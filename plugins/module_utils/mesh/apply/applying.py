# SPDX-License-Identifier: Apache-2.0
"""Carrying a plan out: stages in order, everything inside a stage in parallel, and a truthful word on failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import CREATED_BY, Object, ObjectSet, Ref, annotations_of, labels_of, names
from ..model.options import RunOptions
from ..model.report import APPLIED, Action, Progress
from ..plan.changes import MANAGED_BY, Change
from ..plan.handover import disowned
from ..plan.owners import PART_OF
from ..plan.pod_labels import RENDERED
from . import inventory
from .adoption import take_over
from .inventory import Hints, hints_of
from .patience import Patience
from .planned import Planned
from .recreation import put_back
from .settling import forced
from .stages import Stage, removal_stages, stage_of, stages
from .waiting import Deadline, await_gone, await_ready, await_served

Step = tuple[Stage, list[Change]]
#: Tries to change an object that others change all the time.
_TRIES = 5
#: Actions that write something.
_WRITES: tuple[Action, ...] = (*APPLIED, "delete", "release")


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
        #: Deleted, and still there for a while.
        self._leaving: list[Ref] = []
        self._patience = Patience(cluster, {change.ref for change in planned.plan.by(*APPLIED)}, deadline)

    @property
    def unsettled(self) -> list[ObjectSet]:
        """The sets of which something is to be written, be it only what a killed run left: an inventory that is too
        large, a lock."""
        changed = {change.set.id for change in self._planned.plan.changes if change.action in _WRITES}
        changed |= self._planned.live.locked
        return [item for item in self._planned.sets if item.id in changed or self._recorded[item.id] != self._due(item)]

    @property
    def pending(self) -> set[Ref]:
        """What is planned and not done."""
        return {change.ref for change in self._planned.plan.by(*_WRITES)} - set(self.done)

    def apply_namespaces(self) -> None:
        """Namespaces come before all else: inventories and locks live in them."""
        for step in stages(self._planned.plan.by(*APPLIED)):
            if step[0] is Stage.NAMESPACES:
                self._carry_out(step, self._apply)

    def carry_out(self) -> None:
        """Stage by stage; inventories grow before anything is written and shrink after everything is gone."""
        self.apply_namespaces()
        self._grow_inventories()
        for stage, changes in stages(self._planned.plan.by(*APPLIED)):
            if stage is Stage.CUSTOM:
                self._await_definitions(changes)
            if stage is not Stage.NAMESPACES:
                self._carry_out((stage, changes), self._apply)
        self._remove()
        self._shrink_inventories()

    def _remove(self) -> None:
        """Deletions and releases in reverse order, then inventories shrink to what is left."""
        steps = removal_stages(self._planned.plan.by("delete", "release"))
        for stage, changes in steps:
            self._carry_out((stage, changes), self._take_away)
            # Definitions wait for their objects, namespaces for their contents: the next stage stands on it.
            if stage in (Stage.CUSTOM, Stage.WORKLOADS, Stage.DEFINITIONS, Stage.NAMESPACES):
                await_gone(self._cluster, self._leaving, self._deadline, self._progress)
        for change in self._planned.plan.by("delete"):
            if change.ref.kind == "CustomResourceDefinition":
                self._cluster.forget_kinds()

    def _due(self, item: ObjectSet, *also: Action) -> Hints | None:
        """What the inventory of a set says when all is done; None when there is nothing to record."""
        there = self._planned.plan.by(*APPLIED, "unchanged", "keep", *also)
        refs = [change.ref for change in there if change.set.id == item.id and change.member]
        fields = [change.ref for change in there if change.set.id == item.id and not change.member and item.recorded]
        return hints_of(refs, item.namespace, fields) if refs or fields else None

    def _grow_inventories(self) -> None:
        for item in self.unsettled:
            parent = self._planned.live.parents[item.id]
            due = self._due(item, "delete", "release")
            if due is not None:
                self._write_inventory(item, due | parent.hints)

    def _shrink_inventories(self) -> None:
        for item in self._planned.sets:
            due = self._due(item)
            if due is None and self._recorded[item.id] is not None:
                self._cluster.delete(self._planned.live.parents[item.id].ref)
            elif due is not None and due != self._recorded[item.id]:
                self._write_inventory(item, due)

    def _take_back_inventories(self) -> None:
        """Nothing was brought about: of a set that was not there, nothing stays."""
        for item in self.unsettled:
            if self._planned.live.parents[item.id].live is None and self._recorded[item.id] is not None:
                with contextlib.suppress(MeshError):
                    self._cluster.delete(self._planned.live.parents[item.id].ref)

    def _write_inventory(self, item: ObjectSet, hints: Hints) -> None:
        inventory.write(self._cluster, item, hints)
        self._recorded[item.id] = hints

    def _await_definitions(self, customs: Sequence[Change]) -> None:
        """Also definitions that need no change: the run that applied them may have died a moment ago."""
        found = self._planned.plan.by(*APPLIED, "unchanged")
        definitions = [change for change in found if change.ref.kind == "CustomResourceDefinition"]
        states = {change.ref: self.applied.get(change.ref) or change.found for change in definitions}
        await_ready(self._cluster, states, self._deadline, self._progress)
        if states.keys() & self.applied.keys():
            self._cluster.forget_kinds()
        await_served(self._cluster, ((c.sent["apiVersion"], c.sent["kind"]) for c in customs), self._deadline)

    def _apply(self, change: Change) -> None:
        force = forced(change, self._options)
        if change.action == "recreate":
            self._cluster.delete(change.ref, change.found["metadata"]["uid"])
        if change.action == "recreate" or change.leaving:
            await_gone(self._cluster, [change.ref], self._deadline, self._progress)
        if change.action == "adopt":
            take_over(self._cluster, change, self._options.helm_release)
        try:
            self.applied[change.ref] = self._patience.apply(change.sent, change.set.manager, force=force)
        except MeshError as error:
            if change.action == "recreate":
                put_back(self._cluster, change, error)
            raise

    def _take_away(self, change: Change) -> None:
        if change.action == "delete":
            uid = change.live["metadata"]["uid"] if change.live else None
            # A workload is gone when its pods are: what comes next (the control plane) must not lose them.
            foreground = stage_of(change.ref) is Stage.WORKLOADS
            if self._cluster.delete(change.ref, uid, with_dependents=foreground):
                self._leaving.append(change.ref)
        elif change.obj is not None:
            self._cluster.apply(change.obj, change.set.manager, force=True)
        else:
            self._forget(change)

    def _forget(self, change: Change) -> None:
        """Our marks go; read again when a controller wrote its status in between."""
        for attempt in range(_TRIES):
            try:
                self._cluster.merge_patch(change.ref, change.patch or _forgotten(change))
                return
            except ApiFailure as error:
                if error.status != 409 or change.patch or attempt == _TRIES - 1:
                    raise
            key = change.ref
            live = self._cluster.get(change.found["apiVersion"], key.kind, key.namespace, key.name)
            if live is None:
                return
            change = replace(change, live=live)

    def _carry_out(self, step: Step, act: Callable[[Change], None]) -> None:
        stage, changes = step
        if len(changes) > 20:
            self._progress(f"{stage.name.lower()}: {len(changes)} objects, {self._deadline.elapsed:.0f} s")

        def attempt(change: Change) -> MeshError | None:
            try:
                act(change)
            except MeshError as error:
                return error
            self.done.append(change.ref)
            return None

        errors = [error for error in self._cluster.map(attempt, changes) if error]
        if errors:
            raise self._stopped(errors)

    def _stopped(self, errors: Sequence[MeshError]) -> MeshError:
        first = errors[0]
        if not self.done and all(isinstance(error, ApiFailure) and error.refused for error in errors):
            self._take_back_inventories()
        first.pending = names(self.pending)
        if len(errors) > 1:
            first.msg += f" (and {len(errors) - 1} more objects failed)"
        return first


def _forgotten(change: Change) -> Object:
    """The patch that takes our label and field manager off an object; guarded against changes meanwhile."""
    metadata = change.found["metadata"]
    marks = {key: None for key in (PART_OF, MANAGED_BY, RENDERED) if key in labels_of(change.found)}
    created = {"annotations": {CREATED_BY: None}} if CREATED_BY in annotations_of(change.found) else {}
    return {
        "metadata": {
            "resourceVersion": metadata["resourceVersion"],
            "managedFields": disowned(change.found, change.set.manager),
            **({"labels": marks} if change.member and marks else {}),
            **created,
        }
    }
