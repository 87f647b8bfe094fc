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
from .handover import HelmRelease, fields_handed_over, handed_over
from .never_own import sent, without_empty_marks, without_nulls
from .owners import PART_OF, Owner, owner
from .pod_labels import left_alone
from .string_data import stored

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
    #: What is there once the managed fields of the tool that we adopt from are ours; None without a handover.
    taken: Object | None = None
    #: Carried out as this merge patch, on what is no object of ours.
    patch: Object | None = None

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

    @property
    def leaving(self) -> bool:
        """Whether what is there is being deleted already: the new object can only come after it."""
        return self.live is not None and "deletionTimestamp" in self.live["metadata"]

    def shown(self) -> ObjectChange:
        """The change as reports show it."""
        return ObjectChange(self.ref, self.action, self.fields, self.reason, self.obj)


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
    return (with_labels(without_empty_marks(stored(without_nulls(obj))), marks) for obj in item.objects)


def plan_set(item: ObjectSet, live: Mapping[Ref, Object], adopting: HelmRelease | None = None) -> list[Change]:
    """Changes that bring a set about; ``live`` holds what was found of its objects and of its members."""
    changes = [_member_change(item, obj, live.get(ref(obj)), adopting) for obj in members(item)]
    bare = [without_empty_marks(without_nulls(obj)) for obj in item.fields]
    changes += [_field_change(item, obj, live.get(ref(obj)), adopt=bool(adopting)) for obj in bare]
    if adopting:
        found = [live[key] for key in item.superseded if key in live]
        changes += [_superseded(item, obj) for obj in found if owner(obj).adoptable]
    wanted = {change.ref for change in changes}
    changes += [_prune(item, obj) for key, obj in live.items() if key not in wanted and is_member(obj, item)]
    return changes


def _member_change(item: ObjectSet, wanted: Object, live: Object | None, adopting: HelmRelease | None) -> Change:
    if live is None or "deletionTimestamp" in live["metadata"]:
        obj = sent(wanted, None, item.manager)
        reason = "after the one that is being deleted" if live else ""
        return Change(ref(obj), "create", item, obj, live, fields=differences(None, obj), reason=reason)
    taken = handed_over(live, item.manager, wanted["apiVersion"], adopting) if adopting else None
    adopted = not (is_member(live, item) or _lost_its_label(live, item))
    obj = sent(left_alone(wanted, live, adopting=adopted), taken or live, item.manager)
    if adopted:
        found = owner(live)
        return Change(ref(obj), "adopt", item, obj, live, reason=f"from {found}", foreign=found, taken=taken)
    if taken is not None:
        return Change(ref(obj), "adopt", item, obj, live, reason="what it still had of another tool", taken=taken)
    action: Action = "unchanged" if compare.equal(obj, live, item.manager) else "update"
    return Change(ref(obj), action, item, obj, live)


def _field_change(item: ObjectSet, wanted: Object, live: Object | None, *, adopt: bool) -> Change:
    if live is None or "deletionTimestamp" in live["metadata"]:
        marked = {**wanted["metadata"], "annotations": {**annotations_of(wanted), CREATED_BY: item.mark}}
        obj = {**wanted, "metadata": marked}
        return Change(ref(obj), "create", item, obj, live, member=False, fields=differences(None, obj))
    if annotations_of(live).get(CREATED_BY) == item.mark:
        wanted = {**wanted, "metadata": {**wanted["metadata"], "annotations": {CREATED_BY: item.mark}}}
    others = item.contradicting.get(ref(wanted), frozenset()) if adopt else frozenset()
    taken = fields_handed_over(live, item.manager, others) if others else None
    if taken is not None:
        names = sorted(path[-1].removeprefix("f:") for path in others)
        reason = f"takes {_MARKS.get(next(iter(others))[-2], 'field')} {', '.join(names)} away from others"
        return Change(ref(wanted), "adopt", item, wanted, live, member=False, reason=reason, taken=taken)
    action: Action = "unchanged" if compare.equal(wanted, live, item.manager) else "update"
    return Change(ref(wanted), action, item, wanted, live, member=False)


#: How maps of marks are called, by their path.
_MARKS = {"f:labels": "label", "f:annotations": "annotation"}
#: Whoever may label objects must not have us delete them.
_NEVER_APPLIED = "labelled as ours, but never applied by us"


def _is_applied(live: Mapping[str, Any], item: ObjectSet) -> bool:
    return compare.owned_fields(live, item.manager) is not None


def _superseded(item: ObjectSet, live: Object) -> Change:
    reason = f"from {owner(live)}, in the place of what is declared"
    return Change(ref(live), "delete", item, live=live, member=False, reason=reason)


def _prune(item: ObjectSet, live: Object) -> Change:
    if not _is_applied(live, item):
        return Change(ref(live), "keep", item, live=live, reason=_NEVER_APPLIED)
    return Change(ref(live), "delete", item, live=live, reason="no longer wanted")


def is_member(live: Mapping[str, Any], item: ObjectSet) -> bool:
    """Whether an object carries the label of this set. Controllers copy labels to what they make (a Service's to its
    EndpointSlices): such has an owner, and we never applied it."""
    if labels_of(live).get(PART_OF) != applyset_id(item.id, item.namespace):
        return False
    return not live.get("metadata", {}).get("ownerReferences") or _is_applied(live, item)


def _lost_its_label(live: Mapping[str, Any], item: ObjectSet) -> bool:
    """Whether somebody took the label off a member: that is drift, as what we forget has no field of ours."""
    return PART_OF not in labels_of(live) and _is_applied(live, item)


def settled(change: Change, after: Object) -> Change:
    """An update after the API server said what it would come to: the exact fields, or no change at all."""
    fields = differences(change.live, after)
    # Ownership alone moved (first apply of equal values): a write, but nothing that a person sees.
    owned = change.live is not None and compare.owned_fields(change.live, change.set.manager) is not None
    if not fields and owned and change.action == "update":
        return replace(change, action="unchanged")
    return replace(change, fields=fields)


#: Kinds that are never deleted to be made anew: their contents would go with them.
_KEPT = frozenset({"Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume"})


def recreated(change: Change, immutable: Sequence[str]) -> Change | None:
    """The change that deletes the object and makes it anew for these fields; None where that would lose data."""
    if change.ref.kind in _KEPT:
        return None
    obj = sent(change.sent, None, change.set.manager)
    reason = f"{', '.join(immutable)} cannot change in place"
    fields = tuple(field for field in differences(change.live, obj) if field.after is not None)
    # pylint: disable-next=kwarg-superseded-by-positional-arg  # its own `obj` is positional only
    return replace(change, action="recreate", obj=obj, fields=fields, reason=reason)


#: Set id -> the objects of others on which the set has fields.
Fields = Mapping[str, Iterable[Ref]]


def plan_left_fields(
    item: ObjectSet, live: Mapping[Ref, Object], fields: Fields, keep: Mapping[Ref, str]
) -> list[Change]:
    """Changes that take our fields off objects of others which the set no longer declares."""
    wanted = {ref(obj) for obj in item.fields}
    gone = sorted(key for key in fields.get(item.id, ()) if key in live and key not in wanted)
    return [change for key in gone for change in _leave(item, live[key], keep)]


def plan_removal(
    sets: Sequence[ObjectSet],
    live: Mapping[Ref, Object],
    fields: Fields,
    keep: Mapping[Ref, str],
    leftovers: Iterable[Ref],
) -> list[Change]:
    """Changes that take sets away: members are deleted, fields on objects of others released."""
    changes: list[Change] = []
    for item in sets:
        for key, obj in live.items():
            if is_member(obj, item):
                reason = keep.get(key, "" if _is_applied(obj, item) else _NEVER_APPLIED)
                changes.append(Change(key, "keep" if reason else "delete", item, live=obj, reason=reason))
        for key in sorted({*(ref(obj) for obj in item.fields), *fields.get(item.id, ())}):
            if key in live:
                changes.extend(_leave(item, live[key], keep))
    for key in leftovers:
        if key in live and key not in keep:
            changes.append(Change(key, "delete", sets[0], live=live[key], reason="left by a controller"))
    return changes


def _leave(item: ObjectSet, live: Object, keep: Mapping[Ref, str]) -> Iterable[Change]:
    """Our fields on somebody's object go. A namespace that the set created goes itself, or, where it is kept,
    remembers who created it: a later purge takes it away."""
    key = ref(live)
    created = annotations_of(live).get(CREATED_BY) == item.mark
    if created and key not in keep:
        yield Change(key, "delete", item, live=live, member=False, reason="created with the set, and empty")
        return
    marks = {"annotations": {CREATED_BY: item.mark}} if created else {}
    bare = {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": {**_identity(key), **marks}}
    bare = item.staying.get(key, bare)
    owned = compare.owned_fields(live, item.manager) is not None
    if owned and not compare.equal(bare, live, item.manager):
        yield Change(key, "release", item, bare, live, member=False, reason=keep.get(key, ""))


def plan_release(sets: Sequence[ObjectSet], live: Mapping[Ref, Object], fields: Fields) -> list[Change]:
    """Changes that forget sets: every object stays, our label and field manager go."""
    changes: list[Change] = []
    for item in sets:
        wanted = {*(ref(obj) for obj in item.fields), *fields.get(item.id, ())}
        for key, obj in live.items():
            if is_member(obj, item) or (key in wanted and compare.owned_fields(obj, item.manager) is not None):
                changes.append(Change(key, "release", item, live=obj, member=key not in wanted))
    return changes


def _identity(key: Ref) -> dict[str, str]:
    return {"name": key.name, **({"namespace": key.namespace} if key.namespace else {})}
