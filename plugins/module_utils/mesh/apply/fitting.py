# SPDX-License-Identifier: Apache-2.0
"""Whether new custom resources fit the schemas of their kinds, told before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure, plain
from ..model.errors import MeshError
from ..model.kinds import custom
from ..model.objects import ObjectSet
from ..plan.changes import Change
from ..plan.definitions import Definitions, declared, published
from ..plan.keywords import Fault


def check_fit(cluster: Cluster, sets: Sequence[ObjectSet], changes: Iterable[Change]) -> None:
    """Raise MeshError ``invalid_object`` for the first that does not.

    The API server has the last word where it serves the kind: what it publishes is behind a changed definition for a
    while, and its admission may mend an object.
    """
    new = [change for change in changes if change.action == "create" and custom(change.ref.group)]
    if not new:
        return
    definitions = _definitions(cluster, sets, new)
    checked = [(change, found.faults(change.sent)) for change in new if (found := definitions.get(_kind(change)))]
    wrong = [(change, faults) for change, faults in checked if faults]
    for index, (change, faults) in enumerate(wrong, 1):
        if not _is_accepted(cluster, change):
            raise _misfit(change, faults, len(wrong) - index)


def _kind(change: Change) -> tuple[str, str]:
    return change.sent["apiVersion"], change.sent["kind"]


def _definitions(cluster: Cluster, sets: Sequence[ObjectSet], new: Iterable[Change]) -> Definitions:
    """Those of the kinds of new objects; a definition that the sets hold is the newest there is."""
    known = declared(obj for item in sets for obj in item.objects)
    wanted = dict.fromkeys(map(_kind, new))
    served = [kind for kind in wanted if kind not in known and cluster.resource(*kind)]
    versions = list(dict.fromkeys(api_version for api_version, _name in served))
    schemas = dict(zip(versions, cluster.map(cluster.schemas.of, versions), strict=True))
    return known | {kind: published(*kind, schemas[kind[0]]) for kind in served}


def _is_accepted(cluster: Cluster, change: Change) -> bool:
    if cluster.resource(*_kind(change)) is None:
        return False
    try:
        cluster.apply(change.sent, change.set.manager, dry_run=True)
    except ApiFailure:
        return False
    return True


def _misfit(change: Change, faults: Sequence[Fault], others: int) -> MeshError:
    first = faults[0]
    more = [f"{len(faults) - 1} more in this object"] if len(faults) > 1 else []
    more += [f"{others} more objects are wrong"] if others else []
    text = f"{first.text} ({', '.join(more)})" if more else first.text
    where = f"set {change.set.id}: {change.ref}" + (f": {first.path}" if first.path else "")
    return MeshError("invalid_object", plain(text), where=plain(where), hint=plain(first.hint))
