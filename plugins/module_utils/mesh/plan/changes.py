# SPDX-License-Identifier: Apache-2.0
"""The plan: for each object, what would happen to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..model.objects import CREATED_BY, Object, ObjectSet, Ref, annotations_of, labels_of, ref, with_labels
from ..model.report import Action, FieldChange, ObjectChange
from ..model.sets import applyset_id
from . import compare
from .difference import differences
from .never_own import sent, without_empty_marks, without_nulls
from .owners import PART_OF, Owner, owner

MANAGED_BY = "app.kubernetes.io/managed-by"


@dataclass(frozen=True)
class Change:
    """One object's step: ``obj`` is what is sent (None for a deletion), ``live`` what is there."""

    ref: Ref
    action: Action
    set: ObjectSet
    obj: Object | None = None
    live: Object | None = None
    #: Whole objects are members of the set; otherwise only some fields of somebody's object are set.
    member: bool = True
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    foreign: Owner | None = None

    @property
    def sent(self) -> Object:
        """What is sent; every creation and update has it."""
        if self.obj is None:
            raise ValueError(f"{self.action} of {self.ref} sends nothing")
        return self.obj

    @property
    def found(self) -> Object:
        """What is there; every change but a creation has it."""
        if self.live is None:
            raise ValueError(f"{self.action} of {self.ref} found nothing")
        return self.live

    def shown(self) -> ObjectChange:
        """The change as reports show it."""
        return ObjectChange(self.ref, self.action, self.fields, self.reason)


@dataclass
class Plan:
    """All changes of a run, in no particular order."""

    changes: list[Change] = field(default_factory=list)

    def by(self, *actions: Action) -> list[Change]:
        """The changes with one of these actions."""
        return [change for change in self.changes if change.action in actions]

    @property
    def changed(self) -> bool:
        """Whether anything would be written."""
        return any(change.action not in ("unchanged", "keep") for change in self.changes)


def members(item: ObjectSet) -> Iterable[Object]:
    """The set's whole objects as they are sent: labelled as members, managed by us."""
    marks = {PART_OF: applyset_id(item.id, item.namespace), MANAGED_BY: "meshops"}
    return (with_labels(without_empty_marks(without_nulls(obj)), marks) for obj in item.objects)


def plan_set(item: ObjectSet, live: Mapping[Ref, Object]) -> list[Change]:
    """Changes that bring a set about; ``live`` holds what was found of its objects and of its members."""
    changes = [_member_change(item, obj, live.get(ref(obj))) for obj in members(item)]
    changes += [_field_change(item, without_empty_marks(without_nulls(obj)), live.get(ref(obj))) for obj in item.fields]
    wanted = {change.ref for change in changes}
    changes += [_prune(item, obj) for key, obj in live.items() if key not in wanted and is_member(obj, item)]
    return changes


def _member_change(item: ObjectSet, wanted: Object, live: Object | None) -> Change:
    obj = sent(wanted, live, item.manager)
    if live is None:
        return Change(ref(obj), "create", item, obj, fields=differences(None, obj))
    if compare.equal(obj, live, item.manager):
        return Change(ref(obj), "unchanged", item, obj, live)
    foreign = None if is_member(live, item) else owner(live)
    return Change(ref(obj), "update", item, obj, live, foreign=foreign)


def _field_change(item: ObjectSet, wanted: Object, live: Object | None) -> Change:
    if live is None:
        marked = {**wanted["metadata"], "annotations": {**annotations_of(wanted), CREATED_BY: item.id}}
        obj = {**wanted, "metadata": marked}
        return Change(ref(obj), "create", item, obj, member=False, fields=differences(None, obj))
    if annotations_of(live).get(CREATED_BY) == item.id:
        wanted = {**wanted, "metadata": {**wanted["metadata"], "annotations": {CREATED_BY: item.id}}}
    action: Action = "unchanged" if compare.equal(wanted, live, item.manager) else "update"
    return Change(ref(wanted), action, item, wanted, live, member=False)


def _prune(item: ObjectSet, live: Object) -> Change:
    if compare.owned_fields(live, item.manager) is None:
        return Change(ref(live), "keep", item, live=live, reason="labelled as ours, but never applied by us")
    return Change(ref(live), "delete", item, live=live, reason="no longer wanted")


def is_member(live: Mapping[str, Any], item: ObjectSet) -> bool:
    """Whether an object carries the label of this set. Controllers copy labels to what they make (a Service's to its
    EndpointSlices): such has an owner, which no member of ours has."""
    owned = live.get("metadata", {}).get("ownerReferences")
    return not owned and labels_of(live).get(PART_OF) == applyset_id(item.id, item.namespace)


def settled(change: Change, after: Object) -> Change:
    """An update after the API server said what it would come to: the exact fields, or no change at all."""
    fields = differences(change.live, after)
    # Ownership alone moved (first apply of equal values): a write, but nothing that a person sees.
    owned = change.live is not None and compare.owned_fields(change.live, change.set.manager) is not None
    if not fields and owned:
        return replace(change, action="unchanged")
    return replace(change, fields=fields)


def plan_removal(
    sets: Sequence[ObjectSet], live: Mapping[Ref, Object], keep: Mapping[Ref, str], leftovers: Iterable[Ref]
) -> list[Change]:
    """Changes that take sets away: members are deleted, fields on objects of others released."""
    changes: list[Change] = []
    for item in sets:
        for key, obj in live.items():
            if is_member(obj, item):
                reason = keep.get(key)
                changes.append(Change(key, "keep" if reason else "delete", item, live=obj, reason=reason or ""))
        for wanted in item.fields:
            found = live.get(ref(wanted))
            if found is not None:
                changes.extend(_leave(item, found, keep))
    for key in leftovers:
        if key in live and key not in keep:
            changes.append(Change(key, "delete", sets[0], live=live[key], reason="left by a controller"))
    return changes


def _leave(item: ObjectSet, live: Object, keep: Mapping[Ref, str]) -> Iterable[Change]:
    """Our fields on somebody's object go. A namespace that the set created goes itself, or, where it is kept,
    remembers who created it: a later purge takes it away."""
    key = ref(live)
    created = annotations_of(live).get(CREATED_BY) == item.id
    if created and key not in keep:
        yield Change(key, "delete", item, live=live, member=False, reason="created with the set, and empty")
        return
    marks = {"annotations": {CREATED_BY: item.id}} if created else {}
    bare = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": {**_identity(key), **marks}}
    owned = compare.owned_fields(live, item.manager) is not None
    if owned and not compare.equal(bare, live, item.manager):
        yield Change(key, "release", item, bare, live, member=False, reason=keep.get(key, ""))


def plan_release(sets: Sequence[ObjectSet], live: Mapping[Ref, Object]) -> list[Change]:
    """Changes that forget sets: every object stays, our label and field manager go."""
    changes: list[Change] = []
    for item in sets:
        wanted = {ref(obj) for obj in item.fields}
        for key, obj in live.items():
            if is_member(obj, item) or (key in wanted and compare.owned_fields(obj, item.manager) is not None):
                changes.append(Change(key, "release", item, live=obj, member=key not in wanted))
    return changes


def _identity(key: Ref) -> dict[str, str]:
    return {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
