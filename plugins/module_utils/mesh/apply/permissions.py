# SPDX-License-Identifier: Apache-2.0
"""Whether the credentials may do everything that a run needs, asked before the first write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ..kube.cluster import Cluster
from ..kube.discovery import Kinds
from ..model.errors import MeshError
from ..model.permissions import RBAC, Needs, Permission
from ..model.report import APPLIED, Action
from ..model.sets import parent_name
from .planned import Planned
from .readiness import status_of

#: Asked about this one, an API server tells what holds in the whole cluster: nobody can have given a role in it.
_NO_NAMESPACE = "meshops-there-is-no-such-namespace"


#: What each action asks of the API server: server-side apply needs create, too, where the object is new, and a
#: deletion is looked after until the object is gone.
_VERBS: dict[Action, tuple[str, ...]] = {
    "adopt": ("patch",),
    "create": ("create", "patch"),
    "update": ("patch",),
    "recreate": ("delete", "get", "create", "patch"),
    "release": ("patch",),
    "delete": ("delete", "get"),
}
#: What becomes of the inventory of a set of which something stays.
_INVENTORY = ("create", "patch")


def needed(planned: Planned, kinds: Kinds, *, wait: bool) -> Needs:
    """What it takes to carry a plan out. Locks are not in it: without the right to leases a run goes on."""
    needs = Needs()
    staying = {change.set.id for change in planned.plan.changes if change.action not in ("delete", "release")}
    for change in planned.plan.changes:
        resource, verbs = kinds.find(*change.ref.group_kind), _VERBS.get(change.action, ())
        if resource is None or not verbs:
            continue
        place = (resource.plural, change.ref.namespace if resource.namespaced else "", change.ref.name)
        needs.permissions |= {Permission(verb, resource.group, *place) for verb in verbs}
        if resource.group == RBAC and change.action in APPLIED:
            needs.note_grant(change.sent, *place)
        if wait and change.action in APPLIED and not status_of(change.sent).ready:
            needs.permissions |= {Permission(verb, resource.group, *place[:2]) for verb in ("list", "watch")}
        if change.set.recorded:
            parent = ("configmaps", change.set.namespace, parent_name(change.set.id))
            verbs = _INVENTORY if change.set.id in staying else ("delete",)
            needs.permissions |= {Permission(verb, "", *parent) for verb in verbs}
    return needs


def check(cluster: Cluster, needs: Needs) -> None:
    """Ask the API server; raises MeshError ``forbidden`` that names all that is missing."""
    grants = {role: rules for role, rules in needs.roles.items() if rules is not None}
    refused = _refused(cluster, needs.permissions.union(*grants.values()))
    lacking = {role: rules & refused for role, rules in grants.items() if rules & refused}
    lacking |= {role: frozenset() for role, rules in needs.roles.items() if rules is None}
    not_even = _refused(cluster, lacking) if lacking else set()
    missing = [*_texts(needs.permissions & refused), *_given(lacking, not_even)]
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise MeshError("forbidden", f"the credentials may not: {shown}", hint="grant it, or use other credentials")


def _texts(missing: Iterable[Permission], most: int = 3) -> Iterator[str]:
    """Like ``create services web in shop``; what differs by name only is said once."""
    alike: dict[Permission, list[str]] = defaultdict(list)
    for item in sorted(missing):
        alike[item._replace(name="")].append(item.name)
    for item, names in alike.items():
        more = f" and {len(names) - most} more" if len(names) > most else ""
        yield str(item._replace(name=", ".join(filter(None, names[:most])) + more))


def _given(lacking: Mapping[Permission, Iterable[Permission]], not_even: Collection[Permission]) -> Iterator[str]:
    for role in sorted(not_even):
        rules = "; ".join(_texts(lacking[role])) or "everything"
        yield f"give by {role.resource} {role.name} what they lack: {rules}"


def _refused(cluster: Cluster, asked: Iterable[Permission]) -> set[Permission]:
    """What of this is not allowed: by one question per namespace, and single ones where that does not say yes."""
    permissions = set(asked)
    namespaces = sorted({item.namespace for item in permissions})
    answers = cluster.map(lambda namespace: _rules(cluster, namespace), namespaces)
    known = dict(zip(namespaces, answers, strict=True))
    left = {item for item in permissions if not any(_allows(rule, item) for rule in known[item.namespace])}
    # Whoever may do it to all objects, may do it to this one.
    of_all = _denied(cluster, {item._replace(name="") for item in left})
    left = {item for item in left if item._replace(name="") in of_all}
    named = _denied(cluster, {item for item in left if item.name})
    return {item for item in left if not item.name or item in named}


def _rules(cluster: Cluster, namespace: str) -> list[Mapping[str, Any]]:
    """The rules that hold in a namespace; none where the API server cannot tell all of them (webhooks), because then
    it may also say yes to what a webhook denies."""
    status = cluster.review("SelfSubjectRulesReview", {"namespace": namespace or _NO_NAMESPACE})
    return [] if status.get("incomplete") else [*status["resourceRules"], *status["nonResourceRules"]]


def _allows(rule: Mapping[str, Any], wanted: Permission) -> bool:
    if not {"*", wanted.verb}.intersection(rule["verbs"]):
        return False
    if wanted.resource.startswith("/"):
        return any(_is_path(url, wanted.resource) for url in rule.get("nonResourceURLs") or ())
    any_of_subresource = f"*/{wanted.resource.partition('/')[2]}"
    return bool(
        {"*", wanted.group}.intersection(rule.get("apiGroups") or ())
        and {"*", wanted.resource, any_of_subresource}.intersection(rule.get("resources") or ())
        and (not rule.get("resourceNames") or wanted.name in rule["resourceNames"])
    )


def _is_path(pattern: str, path: str) -> bool:
    return path == pattern or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def _denied(cluster: Cluster, asked: Iterable[Permission]) -> set[Permission]:
    def denied(item: Permission) -> bool:
        return not cluster.review("SelfSubjectAccessReview", attributes(item))["allowed"]

    items = sorted(asked)
    return {item for item, refused in zip(items, cluster.map(denied, items), strict=True) if refused}


def attributes(item: Permission) -> dict[str, Any]:
    """A permission as reviews ask about it."""
    if item.resource.startswith("/"):
        return {"nonResourceAttributes": {"verb": item.verb, "path": item.resource}}
    resource, _slash, subresource = item.resource.partition("/")
    place = {"namespace": item.namespace, "name": item.name, "subresource": subresource}
    return {"resourceAttributes": {"verb": item.verb, "group": item.group, "resource": resource, **place}}
