# SPDX-License-Identifier: Apache-2.0
"""What an operation wants on a cluster that nobody asks: for GitOps, and for who applies objects by other means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..apply.placing import refuse_twins
from ..apply.planning import findings
from ..apply.stages import place_of
from ..kube.discovery import of_crds
from ..model.errors import MeshError
from ..model.kinds import CLUSTER_SCOPED, known
from ..model.objects import GroupKind, Object, ObjectSet, ref
from ..model.operation import Declarative
from ..plan.never_own import sent, without_empty_marks, without_nulls
from .registry import OPERATIONS


@dataclass
class Unseen:
    """A cluster of which only the version is known, and that is otherwise empty."""

    server_version: str
    api_versions: frozenset[str] = frozenset()
    name: str = "rendering"

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """Nothing is there."""
        return None

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> Sequence[Object]:
        """Nothing is there."""
        return ()


class Rendered(NamedTuple):
    """The sets of an operation, and what there is to say of them."""

    sets: list[ObjectSet]
    warnings: list[str]


def rendered(name: str, spec: Any, cluster: Unseen) -> Rendered:
    """The sets of an operation as it would apply them to that cluster. Raises MeshError."""
    operation = OPERATIONS.get(name)
    if not isinstance(operation, Declarative) or not operation.renders:
        raise MeshError("invalid_option", f"{name} has no objects of its own", where="operation")
    facts = operation.observe(cluster, spec)
    # What is not there yet is no fault of a declaration that nobody applies now.
    found = [item for item in operation.preflight(spec, facts, "present") if item.level != "pending"]
    warnings = findings(found, check=True)
    sets = [_settled(part) for item in operation.wanted(spec, facts) for part in _parts(item)]
    refuse_twins(sets)
    return Rendered(sets, [*warnings, *_doubts(sets)])


def _doubts(sets: Sequence[ObjectSet]) -> Iterator[str]:
    for item in sets:
        own = {kind.kind for kind in of_crds(item.objects)}
        for key in map(ref, item.objects):
            if not key.namespace and not known(key.group_kind) and key.kind not in own:
                yield f"{key}: whether it has a namespace is not known without a cluster; say metadata.namespace if so"


def _parts(item: ObjectSet) -> list[ObjectSet]:
    """What several declarations may say of one set, object by object, each in the namespace that it is about."""
    if item.recorded:
        return [item]
    return [replace(item, namespace=ref(obj).namespace or ref(obj).name, fields=(obj,)) for obj in item.fields]


def _settled(item: ObjectSet) -> ObjectSet:
    """The set as everybody can apply it, in the order of application: without what istiod keeps for us, each object in
    its namespace."""
    scopes = {GroupKind(kind.group, kind.kind): kind.namespaced for kind in of_crds(item.objects)}

    def plain(obj: Object) -> Object:
        obj = sent(without_empty_marks(without_nulls(obj)), None, item.manager)
        key = ref(obj)
        namespaced = scopes.get(key.group_kind, known(key.group_kind) and key.group_kind not in CLUSTER_SCOPED)
        if key.namespace or not namespaced:
            return obj
        return {**obj, "metadata": {**obj["metadata"], "namespace": item.namespace}}

    def sorted_plain(objects: Sequence[Object]) -> tuple[Object, ...]:
        return tuple(sorted(map(plain, objects), key=place_of))

    return replace(item, objects=sorted_plain(item.objects), fields=sorted_plain(item.fields))


def in_order(sets: Sequence[ObjectSet]) -> list[Object]:
    """All objects of the sets, in the order of application."""
    found = [obj for item in sets for obj in (*item.fields, *item.objects)]
    return sorted(found, key=place_of)
