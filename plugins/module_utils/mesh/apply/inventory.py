# SPDX-License-Identifier: Apache-2.0
"""The inventory of a set: an ApplySet parent (KEP-3659) that says where its members may be.

The label on the members is the truth; the parent's annotations are hints of the kinds and namespaces to search. They
grow before anything is applied and shrink after everything is pruned, so a run that is killed leaves hints that name
too much, never too little.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..kube.cluster import Cluster
from ..model.errors import MeshError
from ..model.objects import PREFIX, GroupKind, Object, ObjectSet, Ref, annotations_of, labels_of
from ..model.sets import applyset_id, parent_name

_OURS = "meshops.mesh/"
TOOLING = _OURS + "v1.0.0"
SET_LABEL = PREFIX + "set"
VERSION = PREFIX + "version"
#: When a run last began to change the set (seconds since the epoch), and a random part.
CHANGED = PREFIX + "changed"
_ID = "applyset.kubernetes.io/id"
_TOOLING = "applyset.kubernetes.io/tooling"
_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
#: Objects of others on which the set has fields: ``Kind.group/namespace/name``, comma-separated.
_FIELDS = PREFIX + "fields"


@dataclass(frozen=True)
class Hints:
    """Where members of a set may be: kinds, and namespaces beside the parent's; and the objects of others on which
    the set has fields, which carry no label by which they could be found."""

    kinds: frozenset[GroupKind] = frozenset()
    namespaces: frozenset[str] = frozenset()
    fields: frozenset[Ref] = frozenset()

    def __or__(self, other: Hints) -> Hints:
        return Hints(self.kinds | other.kinds, self.namespaces | other.namespaces, self.fields | other.fields)


@dataclass(frozen=True)
class Parent:
    """The recorded inventory of one set: ``live`` is None when the set was never applied."""

    set: ObjectSet
    hints: Hints
    live: Object | None

    @property
    def ref(self) -> Ref:
        """The ConfigMap that is the parent."""
        return Ref("", "ConfigMap", self.set.namespace, parent_name(self.set.id))


def read(cluster: Cluster, item: ObjectSet) -> Parent:
    """The recorded inventory; one GET. Raises MeshError ``foreign_owner`` for one that is not this set's: it would
    make a run search, and prune, in the wrong places (KEP-3659: the id must be that of the parent's own name)."""
    live = cluster.get("v1", "ConfigMap", item.namespace, parent_name(item.id))
    if live is None or "deletionTimestamp" in live["metadata"]:
        return Parent(item, Hints(), None)
    marks, found = annotations_of(live), labels_of(live).get(_ID)
    if found != applyset_id(item.id, item.namespace) or not marks.get(_TOOLING, "").startswith(_OURS):
        what = "is no inventory" if found is None else "is the inventory of another set, or was edited"
        raise MeshError(
            "foreign_owner",
            f"{what}: label {_ID} is {found or 'not there'}, tooling {marks.get(_TOOLING, 'not there')}",
            where=f"ConfigMap {item.namespace}/{parent_name(item.id)}",
            hint="remove this ConfigMap if nobody needs it; the next run finds the set's objects by their labels",
        )
    kinds = frozenset(_group_kind(text) for text in marks.get(_KINDS, "").split(",") if text)
    namespaces = frozenset(text for text in marks.get(_NAMESPACES, "").split(",") if text)
    fields = frozenset(_ref(text) for text in marks.get(_FIELDS, "").split(",") if text.count("/") == 2)
    return Parent(item, Hints(kinds, namespaces, fields), live)


def moved(cluster: Cluster, parents: Mapping[str, Parent]) -> bool:
    """Whether another run wrote to one of these sets since they were read: each writes to the inventory first."""
    now = cluster.map(lambda parent: cluster.get("v1", "ConfigMap", *parent.ref[2:]), parents.values())
    return any(_version(live) != _version(parent.live) for live, parent in zip(now, parents.values(), strict=True))


def _version(live: Object | None) -> tuple[str, str]:
    metadata = live["metadata"] if live else {}
    return metadata.get("uid", ""), metadata.get("resourceVersion", "")


def hints_of(refs: Iterable[Ref], namespace: str, fields: Iterable[Ref] = ()) -> Hints:
    """The hints that cover these members and ``fields``, for a parent in ``namespace``."""
    found = tuple(refs)
    return Hints(
        frozenset(item.group_kind for item in found),
        frozenset(item.namespace for item in found) - {"", namespace},
        frozenset(fields),
    )


def write(cluster: Cluster, item: ObjectSet, hints: Hints) -> None:
    """Create or change the parent; it says when, so that a run that planned before finds out."""
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": parent_name(item.id),
                "namespace": item.namespace,
                "labels": {
                    _ID: applyset_id(item.id, item.namespace),
                    SET_LABEL: item.id,
                    "app.kubernetes.io/managed-by": "meshops",
                },
                "annotations": {
                    _TOOLING: TOOLING,
                    _KINDS: ",".join(sorted(str(kind) for kind in hints.kinds)),
                    _NAMESPACES: ",".join(sorted(hints.namespaces)),
                    **({_FIELDS: ",".join(sorted(map(_text, hints.fields)))} if hints.fields else {}),
                    CHANGED: f"{cluster.transport.server_time:.0f}-{secrets.token_hex(4)}",
                    **({VERSION: item.version} if item.version else {}),
                },
            },
        },
        item.manager,
        force=True,
    )


def recorded(parent: Parent) -> Hints | None:
    """The hints that need no writing again; None when the parent is missing or says something outdated."""
    if parent.live is None:
        return None
    marks = annotations_of(parent.live)
    current = marks.get(_TOOLING) == TOOLING and marks.get(VERSION, "") == parent.set.version
    return parent.hints if current else None


def _group_kind(text: str) -> GroupKind:
    kind, dot, group = text.partition(".")
    return GroupKind(group if dot else "", kind)


def _text(key: Ref) -> str:
    return f"{key.group_kind}/{key.namespace}/{key.name}"


def _ref(text: str) -> Ref:
    kind, namespace, name = text.split("/")
    return Ref(*_group_kind(kind), namespace, name)
