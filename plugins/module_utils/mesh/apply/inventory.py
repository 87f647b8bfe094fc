# SPDX-License-Identifier: Apache-2.0
"""The inventory of a set: an ApplySet parent (KEP-3659) that says where its members may be.

The label on the members is the truth; the parent's annotations are hints of the kinds and namespaces to search. They
grow before anything is applied and shrink after everything is pruned, so a run that is killed leaves hints that name
too much, never too little.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..kube.cluster import Cluster
from ..model.objects import PREFIX, GroupKind, Object, ObjectSet, Ref, annotations_of, labels_of
from ..model.sets import applyset_id, parent_name

TOOLING = "meshops.mesh/v1.0.0"
SET_LABEL = PREFIX + "set"
VERSION = PREFIX + "version"
_ID = "applyset.kubernetes.io/id"
_TOOLING = "applyset.kubernetes.io/tooling"
_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"


@dataclass(frozen=True)
class Hints:
    """Where members of a set may be: kinds, and namespaces beside the parent's."""

    kinds: frozenset[GroupKind] = frozenset()
    namespaces: frozenset[str] = frozenset()

    def __or__(self, other: Hints) -> Hints:
        return Hints(self.kinds | other.kinds, self.namespaces | other.namespaces)


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
    """The recorded inventory; one GET."""
    live = cluster.get("v1", "ConfigMap", item.namespace, parent_name(item.id))
    if live is None or labels_of(live).get(_ID) != applyset_id(item.id, item.namespace):
        return Parent(item, Hints(), live if live and _TOOLING in annotations_of(live) else None)
    marks = annotations_of(live)
    kinds = frozenset(_group_kind(text) for text in marks.get(_KINDS, "").split(",") if text)
    namespaces = frozenset(text for text in marks.get(_NAMESPACES, "").split(",") if text)
    return Parent(item, Hints(kinds, namespaces), live)


def hints_of(refs: Iterable[Ref], namespace: str) -> Hints:
    """The hints that cover these objects, for a parent in ``namespace``."""
    found = tuple(refs)
    return Hints(
        frozenset(item.group_kind for item in found),
        frozenset(item.namespace for item in found) - {"", namespace},
    )


def write(cluster: Cluster, item: ObjectSet, hints: Hints) -> None:
    """Create or change the parent; nothing is sent by the caller when hints are as recorded."""
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
