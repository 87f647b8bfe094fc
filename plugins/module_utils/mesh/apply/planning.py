# SPDX-License-Identifier: Apache-2.0
"""From facts to a plan that can be trusted: rendered, compared, checked with the API server where in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..kube.cluster import Cluster
from ..kube.discovery import Kinds, of_crds
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref, ref
from ..model.operation import Declarative, Finding, Removal, State
from ..model.options import Mode, RunOptions
from ..model.permissions import RBAC
from ..model.report import APPLIED
from ..plan.changes import (
    Change,
    Plan,
    is_member,
    plan_left_fields,
    plan_release,
    plan_removal,
    plan_set,
)
from ..plan.limits import check_sizes
from . import helm_releases
from .adoption import left_over
from .contents import keep_reasons
from .live import Live, observe
from .settling import settle

#: Characters of a label's value.
_LONGEST_ID = 63


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
    """The plan that brings sets about. In check mode, kinds and namespaces that are not there yet are warnings:
    an earlier step of the same (not yet run) play may bring them."""
    sets, unserved = _placed(cluster, sets)
    if unserved and not check:
        raise unserved[0]
    live = observe(cluster, sets, [key for item in sets for key in item.superseded] if options.adopt else ())
    adopting = options.helm_release if options.adopt else None
    changes = [change for item in sets for change in plan_set(item, live.objects, adopting)]
    changes += _left_fields(cluster, sets, live, changes)
    spared = {} if options.purge else _spared(cluster, sets, changes)
    changes = [
        replace(change, action="keep", reason=spared[change.ref]) if change.ref in spared else change
        for change in changes
    ]
    _refuse_foreign(changes, options)
    check_sizes(change.sent for change in changes if change.action in APPLIED)
    homeless = list(_homeless(cluster, sets, live, changes))
    if homeless and not check:
        raise homeless[0]
    changes = settle(cluster, changes, options)
    warnings = [*live.warnings, *map(str, (*unserved, *homeless)), *_kept(spared)]
    if options.adopt:
        ended, said = helm_releases.ends(cluster, changes, {item.namespace for item in sets}, options.helm_release)
        changes, warnings = [*changes, *ended], [*warnings, *said, *left_over(cluster, changes)]
    return Planned(sets, live, Plan(changes), warnings)


def _spared(cluster: Cluster, sets: Sequence[ObjectSet], changes: Sequence[Change]) -> dict[Ref, str]:
    """Definitions that leave a set and still hold objects of others: with the reason."""
    doomed = {change.ref: change.found for change in changes if change.action == "delete"}
    definitions = {key: obj for key, obj in doomed.items() if key.kind == "CustomResourceDefinition"}
    return keep_reasons(cluster, definitions, sets, set(doomed))


def _kept(reasons: Mapping[Ref, str]) -> list[str]:
    return [f"{key} is kept: {reason}" for key, reason in reasons.items()]


def _homeless(
    cluster: Cluster, sets: Sequence[ObjectSet], live: Live, changes: Iterable[Change]
) -> Iterator[MeshError]:
    """Namespaces that new objects need and nobody brings."""
    new = [change.ref for change in changes if change.action == "create"]
    brought = {key.name for key in new if key.kind == "Namespace"}
    there = {key.namespace for key in live.objects} | {key.name for key in live.objects if key.kind == "Namespace"}
    there |= {item.namespace for item in sets if live.parents[item.id].live is not None}
    needed = {key.namespace: key for key in sorted(new, reverse=True) if key.namespace not in ("", *brought, *there)}
    found = cluster.map(lambda name: _namespace_exists(cluster, name), needed)
    for (name, key), exists in zip(needed.items(), found, strict=True):
        if not exists:
            hint = "make it first, or declare it among the objects"
            yield MeshError("missing_dependency", f"there is no namespace {name}", where=str(key), hint=hint)


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
    if not _anything_there(removal.sets, live):
        leftovers = []  # then they are somebody else's
    everything = plan_removal(removal.sets, live.objects, live.fields, {}, leftovers)
    doomed = {change.ref for change in everything if change.action == "delete"}
    doomed |= {parent.ref for parent in live.parents.values()}
    keep = {} if options.purge else keep_reasons(cluster, live.objects, removal.sets, doomed)
    keep |= _kept_inventories(removal.sets, live, keep)
    changes = plan_removal(removal.sets, live.objects, live.fields, keep, leftovers)
    return Planned(removal.sets, live, Plan(changes), [*live.warnings, *_kept(keep)])


def _anything_there(sets: Sequence[ObjectSet], live: Live) -> bool:
    """Whether any of the sets was ever applied and is not yet gone."""
    recorded = any(parent.live is not None for parent in live.parents.values())
    return recorded or any(is_member(obj, item) for item in sets for obj in live.objects.values())


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
        _check_length(item)
        objects, fields = (
            tuple(_in_namespace(kinds, obj, item, unserved) for obj in part) for part in (item.objects, item.fields)
        )
        for key in map(ref, (*objects, *fields)):
            if key in seen:
                places = dict.fromkeys(f"set {name}" for name in (seen[key], item.id))
                raise MeshError("invalid_object", f"is declared twice ({' and '.join(places)})", where=str(key))
            seen[key] = item.id
        result.append(replace(item, objects=objects, fields=fields))
    return result, list(unserved.values())


def _check_length(item: ObjectSet) -> None:
    """The id of a set is the value of a label."""
    if len(item.id) > _LONGEST_ID:
        text = f"has {len(item.id)} characters, {_LONGEST_ID} are possible"
        raise MeshError("invalid_option", text, where=f"set {item.id}", hint="choose a shorter name")


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
    namespace = change.ref.namespace if role["kind"] == "Role" else ""
    return Ref(role.get("apiGroup") or RBAC, role["kind"], namespace, role["name"])


def _namespace_exists(cluster: Cluster, namespace: str) -> bool:
    """As far as one may look."""
    try:
        return not namespace or cluster.get("v1", "Namespace", "", namespace) is not None
    except ApiFailure as error:
        if error.code != "forbidden":
            raise
        return True


def last_seen(planned: Planned, applied: Mapping[Ref, Object]) -> dict[Ref, Object]:
    """The newest known state of everything wanted."""
    wanted = {ref(obj) for item in planned.sets for obj in (*item.objects, *item.fields)}
    newest = {**planned.live.objects, **applied}
    return {key: newest[key] for key in wanted if key in newest}
