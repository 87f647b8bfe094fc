# SPDX-License-Identifier: Apache-2.0
"""From facts to a plan that can be trusted: rendered, compared, checked with the API server where in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..kube.cluster import Cluster
from ..kube.discovery import Kinds, of_crds
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, ref
from ..model.operation import Declarative, Finding, Removal, State
from ..model.options import Mode, RunOptions
from ..model.report import APPLIED
from ..plan.changes import (
    Change,
    Plan,
    is_member,
    plan_left_fields,
    plan_release,
    plan_removal,
    plan_set,
    recreated,
    settled,
)
from ..plan.limits import check_sizes
from . import helm_releases
from .adoption import foreseen, left_over
from .contents import keep_reasons
from .live import Live, observe


@dataclass
class Planned:
    """A plan with what it was made from."""

    sets: Sequence[ObjectSet]
    live: Live
    plan: Plan
    warnings: list[str] = field(default_factory=list)


def findings(found: Iterable[Finding], check: bool) -> list[str]:
    """Raise the first finding that forbids the run; return the others as warnings."""
    warnings = []
    for finding in found:
        if finding.level == "error" or (finding.level == "pending" and not check):
            raise finding.error
        warnings.append(str(finding.error))
    return warnings


def plan_for(
    cluster: Cluster, operation: Declarative[Any, Any], spec: Any, facts: Any, options: RunOptions, mode: Mode
) -> Planned:
    """The plan of an operation; reads only."""
    if mode.state == "present":
        return plan_present(cluster, operation.wanted(spec, facts), options, check=mode.check)
    return plan_gone(cluster, operation.removal(spec, facts), options, mode.state)


def plan_present(cluster: Cluster, sets: Sequence[ObjectSet], options: RunOptions, *, check: bool) -> Planned:
    """The plan that brings sets about. In check mode a kind that is not served yet is a warning: an earlier step of
    the same (not yet run) play may bring it."""
    sets, unserved = _placed(cluster, sets)
    if unserved and not check:
        raise unserved[0]
    live = observe(cluster, sets, [key for item in sets for key in item.superseded] if options.adopt else ())
    adopting = options.helm_release if options.adopt else None
    changes = [change for item in sets for change in plan_set(item, live.objects, adopting)]
    changes += _left_fields(cluster, sets, live, changes)
    _refuse_foreign(changes, options)
    check_sizes(change.sent for change in changes if change.action in APPLIED)
    changes, warnings = _settle(cluster, changes, options), [*live.warnings, *(str(error) for error in unserved)]
    if options.adopt:
        ended, said = helm_releases.ends(cluster, changes, {item.namespace for item in sets}, options.helm_release)
        changes, warnings = [*changes, *ended], [*warnings, *said, *left_over(cluster, changes)]
    return Planned(sets, live, Plan(changes), warnings)


def _left_fields(cluster: Cluster, sets: Sequence[ObjectSet], live: Live, changes: Sequence[Change]) -> list[Change]:
    """What becomes of objects of others on which the sets no longer want fields."""
    wanted = {ref(obj) for item in sets for obj in item.fields}
    left = {key: live.objects[key] for keys in live.fields.values() for key in keys if key in live.objects}
    left = {key: obj for key, obj in left.items() if key not in wanted}
    if not left:
        return []
    doomed = {change.ref for change in changes if change.action == "delete"}
    homes = {Ref("", "Namespace", "", item.namespace): "it holds the inventory" for item in sets}
    keep = keep_reasons(cluster, left, sets, doomed) | homes
    return [change for item in sets for change in plan_left_fields(item, live.objects, live.fields, keep)]


def plan_gone(cluster: Cluster, removal: Removal, options: RunOptions, state: State) -> Planned:
    """The plan that takes sets away, or forgets them."""
    removal = replace(removal, sets=tuple(_placed(cluster, removal.sets)[0]))
    if state == "released":
        live = observe(cluster, removal.sets, thorough=True)
        changes = plan_release(removal.sets, live.objects, live.fields)
        return Planned(removal.sets, live, Plan(changes), live.warnings)
    selected = [ref(obj) for kind in removal.selectors for obj in cluster.list(kind[0], kind[1], "", kind[2])]
    leftovers = [*removal.leftovers, *selected]
    live = observe(cluster, removal.sets, leftovers, thorough=True)
    keep = {} if options.purge else keep_reasons(cluster, live.objects, removal.sets, set(live.objects))
    keep |= _kept_inventories(removal.sets, live, keep)
    changes = plan_removal(removal.sets, live.objects, live.fields, keep, leftovers)
    return Planned(
        removal.sets,
        live,
        Plan(changes),
        [*live.warnings, *(f"{key} is kept: {reason}" for key, reason in keep.items())],
    )


def _kept_inventories(sets: Sequence[ObjectSet], live: Live, keep: Mapping[Ref, str]) -> dict[Ref, str]:
    """Namespaces that hold the inventory of a set of which something is kept: a later purge must find it."""
    found = {}
    for item in sets:
        if any(is_member(live.objects[key], item) for key in keep):
            found[Ref("", "Namespace", "", item.namespace)] = f"it holds the inventory of what is kept (set {item.id})"
    return {key: reason for key, reason in found.items() if key in live.objects and key not in keep}


def known_kinds(cluster: Cluster, sets: Sequence[ObjectSet]) -> Kinds:
    """The cluster's kinds and those that CRDs among the wanted objects will bring."""
    return Kinds([*cluster.kinds.served, *of_crds(obj for item in sets for obj in item.objects)])


def _placed(cluster: Cluster, sets: Sequence[ObjectSet]) -> tuple[list[ObjectSet], list[MeshError]]:
    """The sets with every object in a namespace if its kind wants one, and which kinds are not served."""
    kinds = known_kinds(cluster, sets)
    seen: dict[Ref, str] = {}
    unserved: dict[str, MeshError] = {}
    result = []
    for item in sets:
        objects = tuple(_in_namespace(kinds, obj, item, unserved) for obj in item.objects)
        for key in map(ref, objects):
            if key in seen:
                raise MeshError("invalid_object", f"is declared twice (sets {seen[key]} and {item.id})", where=str(key))
            seen[key] = item.id
        result.append(replace(item, objects=objects))
    return result, list(unserved.values())


def _in_namespace(kinds: Kinds, obj: Object, item: ObjectSet, unserved: dict[str, MeshError]) -> Object:
    key = ref(obj)
    resource = kinds.find(key.group, key.kind, obj["apiVersion"].rpartition("/")[2])
    if resource is None:
        kind = f"{obj['apiVersion']} {obj['kind']}"
        hint = "install the CRD first, or correct apiVersion and kind"
        error = MeshError("missing_dependency", f"the cluster does not serve {kind}", where=str(key), hint=hint)
        unserved.setdefault(kind, error)
    if (resource is None or resource.namespaced) and not key.namespace:
        return {**obj, "metadata": {**obj["metadata"], "namespace": item.namespace}}
    if key.namespace and resource is not None and not resource.namespaced:
        raise MeshError("invalid_object", "is cluster-scoped and takes no namespace", where=str(key))
    return obj


def _refuse_foreign(changes: Iterable[Change], options: RunOptions) -> None:
    refused = [change for change in changes if change.foreign and not (options.adopt and change.foreign.adoptable)]
    if not refused:
        return
    first = refused[0]
    more = f" (and {len(refused) - 1} more objects)" if len(refused) > 1 else ""
    adoptable = first.foreign is not None and first.foreign.adoptable
    raise MeshError(
        "foreign_owner",
        f"belongs to {first.foreign}{more}",
        where=str(first.ref),
        hint="set adopt to take it over" if adoptable else "remove it there first, or choose another name",
    )


def _settle(cluster: Cluster, changes: list[Change], options: RunOptions) -> list[Change]:
    """Ask the API server what each update comes to: exact fields, and no update where nothing would move."""

    def settle(change: Change) -> Change:
        if change.action not in ("update", "adopt"):
            return change
        try:
            after = cluster.apply(change.sent, change.set.manager, force=forced(change, options), dry_run=True)
        except ApiFailure as error:
            anew = recreated(change, error.immutable) if options.recreate and error.immutable else None
            if anew is None:
                raise error.at(f"set {change.set.id}") from None
            return anew
        return settled(*foreseen(cluster, change, after))

    return list(cluster.map(settle, changes))


def forced(change: Change, options: RunOptions) -> bool:
    """Whether conflicts are overruled: on our own members and on what is adopted, else only when asked for."""
    return options.force or (change.member and (change.foreign is None or options.adopt))


def validate_creates(cluster: Cluster, planned: Planned, *, bindings_only: bool = False) -> None:
    """Dry-run every creation whose namespace and kind (and of a binding, the role) exist already; raises for the first
    that is refused. No question but this one tells whether the role of somebody else may be bound: who has its
    permissions may, too."""
    new = {change.ref for change in planned.plan.by("create")}
    new_namespaces = {key.name for key in new if key.kind == "Namespace"}

    def validate(change: Change) -> None:
        served = cluster.resource(change.sent["apiVersion"], change.sent["kind"]) is not None
        role = _role_of(change)
        if role in new or (bindings_only and role is None):
            return
        if served and change.ref.namespace not in new_namespaces and _namespace_exists(cluster, change.ref.namespace):
            try:
                cluster.apply(change.sent, change.set.manager, dry_run=True)
            except ApiFailure as error:
                raise _may_not_bind(change, role) if role and error.code == "forbidden" else error from None

    list(cluster.map(validate, planned.plan.by("create")))


def _may_not_bind(change: Change, role: Ref) -> MeshError:
    text = f"the credentials may not: bind {role.kind.lower()}s {role.name}"
    hint = "grant it, or the permissions of that role"
    return MeshError("forbidden", text, where=str(change.ref), hint=hint)


def _role_of(change: Change) -> Ref | None:
    """The role that a binding binds."""
    role = change.sent.get("roleRef")
    if not role:
        return None
    return Ref(role["apiGroup"], role["kind"], change.ref.namespace if role["kind"] == "Role" else "", role["name"])


def _namespace_exists(cluster: Cluster, namespace: str) -> bool:
    return not namespace or cluster.get("v1", "Namespace", "", namespace) is not None


def last_seen(planned: Planned, applied: Mapping[Ref, Object]) -> dict[Ref, Object]:
    """The newest known state of everything wanted."""
    wanted = {ref(obj) for item in planned.sets for obj in (*item.objects, *item.fields)}
    newest = {**planned.live.objects, **applied}
    return {key: newest[key] for key in wanted if key in newest}
