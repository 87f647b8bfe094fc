# SPDX-License-Identifier: Apache-2.0
"""Permissions as the API server checks them, and the rules of RBAC that grant them or are granted by them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Rule = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


class Permission(NamedTuple):
    """One thing that one may do. ``namespace`` is empty for the whole cluster, ``name`` for all objects; a
    ``resource`` that starts with / is a path that is no resource."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def kind(self) -> str:
        """``deployments.apps`` or ``configmaps``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def __str__(self) -> str:
        parts = (self.verb, self.kind, self.name, f"in {self.namespace}" if self.namespace else "")
        return " ".join(part for part in parts if part)


@dataclass
class Needs:
    """What a run needs beside what everybody may.

    ``roles``: roles that it writes, as the permission to escalate them, with the rules that one must have to write
    them without it (None where nothing but that permission helps). ``binds``: the permission to bind a role, and that
    role; not needed by who has the role's rules.
    """

    permissions: set[Permission] = field(default_factory=set)
    roles: dict[Permission, frozenset[Permission] | None] = field(default_factory=dict)
    binds: dict[Permission, Permission] = field(default_factory=dict)

    def note_grant(self, obj: Mapping[str, Any], resource: str, namespace: str, name: str) -> None:
        """What it takes to write a role or a binding: nobody may give what he does not have."""
        if "rules" in obj:
            # An aggregation fills itself in: only who may do everything, or escalate, may write it.
            rules = None if obj.get("aggregationRule") else of_rules(obj["rules"] or (), namespace)
            self.roles[Permission("escalate", RBAC, resource, namespace, name)] = rules
        if "roleRef" in obj:
            given, role = f"{obj['roleRef']['kind'].lower()}s", obj["roleRef"]["name"]
            of_role = Permission("escalate", RBAC, given, namespace if given == "roles" else "", role)
            self.binds[Permission("bind", RBAC, given, namespace, role)] = of_role


def of_rules(rules: Iterable[Mapping[str, Any]], namespace: str = "") -> frozenset[Permission]:
    """What rules of a Role or ClusterRole allow, taken apart."""
    found: set[Permission] = set()
    for rule in rules:
        verbs = rule.get("verbs") or ()
        groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
        for verb, group, resource in itertools.product(verbs, groups, resources):
            names = rule.get("resourceNames") or ("",)
            found.update(Permission(verb, group, resource, namespace, name) for name in names)
        found.update(Permission(verb, "", url) for verb in verbs for url in rule.get("nonResourceURLs") or ())
    return frozenset(found)


def as_rules(permissions: Iterable[Permission]) -> list[Rule]:
    """The fewest rules that allow this and no more, in a stable order. All must be of one namespace."""
    verbs: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for item in permissions:
        verbs[item.group, item.resource][item.name].add(item.verb)
    alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, resource), by_name in sorted(verbs.items()):
        for names, allowed in _by_verbs(by_name):
            alike[group, names, allowed].append(resource)
    return [_rule(group, resources, names, allowed) for (group, names, allowed), resources in sorted(alike.items())]


def _by_verbs(by_name: Mapping[str, set[str]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(names, verbs): a verb on all objects need not be said of single ones."""
    of_all = by_name.get("", set())
    names: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, allowed in by_name.items():
        left = allowed - of_all if name else allowed
        if left:
            names[tuple(sorted(left))].append(name)
    for allowed_, named in names.items():
        if "" in named:
            yield (), allowed_
        if any(named):
            yield tuple(sorted(name for name in named if name)), allowed_


def _rule(group: str, resources: list[str], names: tuple[str, ...], verbs: tuple[str, ...]) -> Rule:
    if resources[0].startswith("/"):
        return {"nonResourceURLs": resources, "verbs": list(verbs)}
    named = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": resources, **named, "verbs": list(verbs)}
