# SPDX-License-Identifier: Apache-2.0
"""From facts to a plan that can be trusted: rendered, compared, checked with the API server where in doubt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ..kube.cluster import Cluster
from ..model.errors import MeshError
from ..model.objects import ObjectSet, Ref, ref
from ..model.operation import Declarative, Finding
from ..model.options import Mode, RunOptions
from ..model.report import APPLIED
from ..plan.changes import Change, Plan, plan_left_fields, plan_set
from ..plan.limits import check_sizes
from . import helm_releases
from .adoption import left_over
from .contents import keep_reasons, told
from .fitting import check_fit
from .live import Live, observe
from .placing import homeless, placed
from .planned import Planned
from .removing import plan_gone
from .settling import settle


def findings(found: Iterable[Finding], *, check: bool, adopt: bool = False) -> list[str]:
    """Raise the first finding that forbids the run; return the others as warnings."""
    forbidding = {"error": True, "foreign": not adopt, "pending": not check, "warning": False}
    warnings = []
    for finding in found:
        if forbidding[finding.level]:
            raise finding.error
        if finding.level != "foreign":  # then the plan tells what becomes of it
            warnings.append(str(finding.error))
    return warnings


def plan_for(
    cluster: Cluster, operation: Declarative[Any, Any], spec: Any, facts: Any, options: RunOptions, mode: Mode
) -> Planned:
    """The plan of an operation; reads only."""
    if mode.state == "present":
        return plan_present(cluster, operation.wanted(spec, facts), options, check=mode.check)
    return plan_gone(cluster, operation.removal(spec, facts), options, mode.state)


def plan_present(cluster: Cluster, sets: Sequence[ObjectSet], options: RunOptions, *, check: bool) -> Planned:
    """The plan that brings sets about. In check mode, kinds and namespaces that are not there yet are warnings:
    an earlier step of the same (not yet run) play may bring them."""
    sets, unserved = placed(cluster, sets)
    if unserved and not check:
        raise unserved[0]
    live = observe(cluster, sets, [key for item in sets for key in item.superseded] if options.adopt else ())
    adopting = options.helm_release if options.adopt else None
    changes = [change for item in sets for change in plan_set(item, live.objects, adopting)]
    changes += _left_fields(cluster, sets, live, changes)
    spared = {} if options.purge else _spared(cluster, sets, changes)
    changes = [
        replace(change, action="keep", reason=spared[change.ref]) if change.ref in spared else change
        for change in changes
    ]
    _refuse_foreign(changes, options)
    check_sizes(change.sent for change in changes if change.action in APPLIED)
    lost = homeless(cluster, sets, live, changes)
    if lost and not check:
        raise next(iter(lost.values()))
    check_fit(cluster, sets, changes)
    changes = settle(cluster, changes, options)
    warnings = [*live.warnings, *(f"{error}, unless an earlier step does so" for error in (*unserved, *lost.values()))]
    warnings += told(spared)
    if options.adopt:
        ended, said = helm_releases.ends(cluster, changes, {item.namespace for item in sets}, options.helm_release)
        changes, warnings = [*changes, *ended], [*warnings, *said, *left_over(cluster, changes)]
    return Planned(sets, live, Plan(changes), warnings, frozenset(lost))


def _spared(cluster: Cluster, sets: Sequence[ObjectSet], changes: Sequence[Change]) -> dict[Ref, str]:
    """Definitions that leave a set and still hold objects of others: with the reason."""
    doomed = {change.ref: change.found for change in changes if change.action == "delete"}
    definitions = {key: obj for key, obj in doomed.items() if key.kind == "CustomResourceDefinition"}
    return keep_reasons(cluster, definitions, sets, set(doomed))


def _left_fields(cluster: Cluster, sets: Sequence[ObjectSet], live: Live, changes: Sequence[Change]) -> list[Change]:
    """What becomes of objects of others on which the sets no longer want fields."""
    wanted = {ref(obj) for item in sets for obj in item.fields}
    left = {key: live.objects[key] for keys in live.fields.values() for key in keys if key in live.objects}
    left = {key: obj for key, obj in left.items() if key not in wanted}
    if not left:
        return []
    doomed = {change.ref for change in changes if change.action == "delete"}
    homes = {Ref("", "Namespace", "", item.namespace): "it holds the inventory" for item in sets}
    keep = keep_reasons(cluster, left, sets, doomed) | homes
    return [change for item in sets for change in plan_left_fields(item, live.objects, live.fields, keep)]


def _refuse_foreign(changes: Iterable[Change], options: RunOptions) -> None:
    refused = [change for change in changes if change.foreign and not (options.adopt and change.foreign.adoptable)]
    if not refused:
        return
    first = refused[0]
    more = f" (and {len(refused) - 1} more objects)" if len(refused) > 1 else ""
    adoptable = first.foreign is not None and first.foreign.adoptable
    raise MeshError(
        "foreign_owner",
        f"belongs to {first.foreign}{more}",
        where=str(first.ref),
        hint="set adopt to take it over" if adoptable else "remove it there first, or choose another name",
    )
