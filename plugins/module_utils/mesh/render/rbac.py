# SPDX-License-Identifier: Apache-2.0
"""What runs need, as the objects of RBAC that allow it and no more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ..model.objects import Object
from ..model.permissions import Needs, Permission, as_rules

_GROUP = "rbac.authorization.k8s.io"
#: Namespaces of every cluster.
_ALWAYS_THERE = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})


def objects(needs: Needs, name: str, subject: Mapping[str, str] | None) -> list[Object]:
    """ClusterRoles, and Roles in their namespaces; with ``subject`` also the bindings. Beside ``name`` there is
    ``name``-grants: what one must have only because roles that one makes give it."""
    own = needs.permissions | _on_roles(needs)
    own = {item for item in own if not _said(item, own)}
    given = {item for rules in needs.roles.values() for item in rules or ()}
    given = {item for item in given if item not in own and not _said(item, own | given)}
    found = [*_roles(own, name, subject), *_roles(given, f"{name}-grants", subject)]
    # They are not the account's to make: its Roles are in them, and would go with them.
    named = {item.name for item in own if item.kind == "namespaces"}
    places = {*named, *(obj["metadata"].get("namespace", "") for obj in found)} - _ALWAYS_THERE - {""}
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}} for place in places]
    return sorted([*namespaces, *found], key=_order)


def _on_roles(needs: Needs) -> set[Permission]:
    """Verbs on roles, where having their rules is not enough, or where the rules are not ours to know."""
    escalated = {role for role, rules in needs.roles.items() if rules is None}
    return escalated | {bind for bind, role in needs.binds.items() if needs.roles.get(role) is None}


def _said(item: Permission, permissions: Collection[Permission]) -> bool:
    """Whether a wider permission is among them."""
    wider = (item._replace(namespace=""), item._replace(name=""), item._replace(namespace="", name=""))
    return any(other != item and other in permissions for other in wider)


def _roles(permissions: Collection[Permission], name: str, subject: Mapping[str, str] | None) -> Iterator[Object]:
    for namespace in {item.namespace for item in permissions}:
        kind, place = ("Role", {"namespace": namespace}) if namespace else ("ClusterRole", {})
        rules = as_rules(item for item in permissions if item.namespace == namespace)
        metadata = {"name": name, **place}
        yield {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": metadata, "rules": rules}
        if subject:
            role = {"apiGroup": _GROUP, "kind": kind, "name": name}
            binding = {"apiVersion": f"{_GROUP}/v1", "kind": f"{kind}Binding", "metadata": metadata}
            yield {**binding, "roleRef": role, "subjects": [dict(subject)]}


#: What others stand on comes first.
_KINDS = ("Namespace", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def _order(obj: Object) -> tuple[int, str, str]:
    metadata = obj["metadata"]
    return _KINDS.index(obj["kind"]), metadata.get("namespace", ""), metadata["name"]
