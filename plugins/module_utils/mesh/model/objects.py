# SPDX-License-Identifier: Apache-2.0
"""Kubernetes objects as plain dicts: identity, and the few accessors everything shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: A Kubernetes object as JSON: {apiVersion, kind, metadata, ...}.
Object = dict[str, Any]

#: Prefix of our own labels and annotations.
PREFIX = "meshops.mesh/"
#: Names the set that created a namespace; only such a namespace may be deleted with the set.
CREATED_BY = PREFIX + "created-by"


class GroupKind(NamedTuple):
    """A kind without its version: the identity of a type of objects."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


class Ref(NamedTuple):
    """The identity of an object. ``namespace`` is empty for cluster-scoped objects."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def group_kind(self) -> GroupKind:
        """The kind without namespace and name."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class ObjectSet:
    """Objects that belong together: an ApplySet of ``objects`` and ``fields`` set on objects of others.

    ``id`` is unique in a cluster (``istiod-default``); ``namespace`` is where the set's inventory lives;
    ``manager`` the field manager of both; ``version`` what was installed (an Istio version, or empty). ``recorded`` is
    False where the set is no more than what one declaration says, so that no inventory remembers its fields.
    """

    id: str
    namespace: str
    manager: str
    objects: tuple[Object, ...] = ()
    fields: tuple[Object, ...] = ()
    version: str = ""
    recorded: bool = True
    #: What another tool has in the place of something in the set: with ``adopt`` it goes.
    superseded: tuple[Ref, ...] = ()
    #: Fields that others set on objects on which the set has fields, and that contradict it: with ``adopt`` they go.
    contradicting: Mapping[Ref, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    #: Objects of others on which our fields hold what somebody else says there, too, or were changed: they are ours all
    #: the same.
    overruling: frozenset[Ref] = frozenset()
    #: What stays of our fields on objects of others when the set goes: what somebody else had there.
    staying: Mapping[Ref, Object] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """How a namespace names the set that created it: sets of one name may be in several namespaces."""
        return f"{self.namespace}/{self.id}"


def ref(obj: Mapping[str, Any]) -> Ref:
    """The identity of an object."""
    metadata = obj["metadata"]
    return Ref(group_of(obj["apiVersion"]), obj["kind"], metadata.get("namespace") or "", metadata["name"])


def group_of(api_version: str) -> str:
    """``apps`` of ``apps/v1``, empty for ``v1``."""
    return api_version.rpartition("/")[0]


def labels_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """The labels, never None."""
    return obj.get("metadata", {}).get("labels") or {}


def annotations_of(obj: Mapping[str, Any]) -> dict[str, str]:
    """The annotations, never None."""
    return obj.get("metadata", {}).get("annotations") or {}


def names(refs: Iterable[Ref]) -> list[str]:
    """Identities as text, sorted, each once: a namespace may be made and then get its labels."""
    return sorted({str(item) for item in refs})


def with_labels(obj: Object, added: Mapping[str, str]) -> Object:
    """A copy (of the outer levels) that also carries ``added``."""
    metadata = {**obj["metadata"], "labels": {**labels_of(obj), **added}}
    return {**obj, "metadata": metadata}
