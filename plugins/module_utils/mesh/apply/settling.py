# SPDX-License-Identifier: Apache-2.0
"""What the API server says of changes that cannot be judged without it."""

from __future__ import annotations

from dataclasses import replace

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import Object, Ref
from ..model.options import RunOptions
from ..model.permissions import RBAC
from ..plan.changes import Change, recreated, settled
from .adoption import foreseen
from .planned import Planned
from .recreation import try_out


def settle(cluster: Cluster, changes: list[Change], options: RunOptions) -> list[Change]:
    """Ask the API server what each update comes to: exact fields, and no update where nothing would move."""

    def asked(change: Change) -> Change:
        if change.action not in ("update", "adopt"):
            return change
        try:
            after = cluster.apply(change.sent, change.set.manager, force=forced(change, options), dry_run=True)
        except ApiFailure as error:
            anew = recreated(change, error.immutable) if options.recreate and error.immutable else None
            if anew is None:
                raise error.at(f"set {change.set.id}") from None
            try_out(cluster, anew)
            return anew
        return settled(*foreseen(cluster, _in_version(cluster, change, after), after))

    return list(cluster.map(asked, changes))


def _in_version(cluster: Cluster, change: Change, after: Object) -> Change:
    """With what is there in the version in which the API server answered: lists come in the preferred one."""
    if change.found["apiVersion"] == after["apiVersion"]:
        return change
    key = change.ref
    return replace(change, live=cluster.get(after["apiVersion"], key.kind, key.namespace, key.name) or change.live)


def forced(change: Change, options: RunOptions) -> bool:
    """Whether conflicts are overruled: on our own members, on what is adopted and where the set says so, else only when
    asked for."""
    ours = change.member and (change.foreign is None or options.adopt)
    return options.force or ours or change.ref in change.set.overruling


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
        if served and change.ref.namespace not in (*new_namespaces, *planned.missing):
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
