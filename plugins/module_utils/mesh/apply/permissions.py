# SPDX-License-Identifier: Apache-2.0
"""Whether the credentials may do everything that a plan needs, asked before the first write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..kube.cluster import Cluster
from ..kube.discovery import Kinds, Resource
from ..model.errors import MeshError
from ..model.objects import Ref
from ..plan.changes import Change

_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

#: Server-side apply needs patch, and create where the object is new.
_VERBS: dict[str, tuple[str, ...]] = {
    "create": ("create", "patch"),
    "update": ("patch",),
    "release": ("patch",),
    "delete": ("delete",),
}


class Permission(NamedTuple):
    """One thing one may do; ``namespace`` is empty for cluster-scoped kinds."""

    verb: str
    group: str
    resource: str
    namespace: str

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {kind}{' in ' + self.namespace if self.namespace else ''}"


def needed(changes: Iterable[Change], kinds: Kinds) -> set[Permission]:
    """The permissions that changes need."""
    return {
        Permission(verb, resource.group, resource.plural, change.ref.namespace if resource.namespaced else "")
        for change in changes
        if (resource := _resource(kinds, change.ref))
        for verb in _VERBS.get(change.action, ())
    }


def _resource(kinds: Kinds, key: Ref) -> Resource | None:
    return kinds.find(key.group, key.kind)


def check(cluster: Cluster, permissions: Iterable[Permission]) -> None:
    """Ask the API server about each; raises MeshError ``forbidden`` that names all that are missing."""

    def denied(permission: Permission) -> bool:
        attributes = {"verb": permission.verb, "group": permission.group, "resource": permission.resource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {**attributes, "namespace": permission.namespace}},
        }
        return not cluster.post(_REVIEW, review)["status"]["allowed"]

    wanted = sorted(permissions)
    missing = [
        str(permission) for permission, refused in zip(wanted, cluster.pool.map(denied, wanted), strict=True) if refused
    ]
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise MeshError("forbidden", f"the credentials may not: {shown}", hint="grant it, or use other credentials")
