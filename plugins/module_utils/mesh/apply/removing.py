# SPDX-License-Identifier: Apache-2.0
"""The plan that takes sets away, or forgets them: what others have stays, and what holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..kube.cluster import Cluster
from ..model.objects import ObjectSet, Ref, ref
from ..model.operation import Removal, State
from ..model.options import RunOptions
from ..plan.changes import Plan, is_member, plan_release, plan_removal
from .contents import keep_reasons, told
from .live import Live, observe
from .placing import placed
from .planned import Planned


def plan_gone(cluster: Cluster, removal: Removal, options: RunOptions, state: State) -> Planned:
    """The plan that takes sets away, or forgets them."""
    removal = replace(removal, sets=tuple(placed(cluster, removal.sets)[0]))
    if state == "released":
        live = observe(cluster, removal.sets, thorough=True)
        changes = plan_release(removal.sets, live.objects, live.fields)
        return Planned(removal.sets, live, Plan(changes), live.warnings)
    selected = [ref(obj) for kind in removal.selectors for obj in cluster.list(kind[0], kind[1], "", kind[2])]
    leftovers = [*removal.leftovers, *selected]
    live = observe(cluster, removal.sets, leftovers, thorough=True)
    if not _anything_there(removal.sets, live):
        leftovers = []  # then they are somebody else's
    everything = plan_removal(removal.sets, live.objects, live.fields, {}, leftovers)
    doomed = {change.ref for change in everything if change.action == "delete"}
    doomed |= {parent.ref for parent in live.parents.values()}
    keep = {} if options.purge else keep_reasons(cluster, live.objects, removal.sets, doomed)
    keep |= _kept_inventories(removal.sets, live, keep)
    changes = plan_removal(removal.sets, live.objects, live.fields, keep, leftovers)
    return Planned(removal.sets, live, Plan(changes), [*live.warnings, *told(keep)])


def _anything_there(sets: Sequence[ObjectSet], live: Live) -> bool:
    """Whether any of the sets was ever applied and is not yet gone."""
    recorded = any(parent.live is not None for parent in live.parents.values())
    return recorded or any(is_member(obj, item) for item in sets for obj in live.objects.values())


def _kept_inventories(sets: Sequence[ObjectSet], live: Live, keep: Mapping[Ref, str]) -> dict[Ref, str]:
    """Namespaces that hold the inventory of a set of which something is kept: a later purge must find it."""
    found = {}
    for item in sets:
        if any(is_member(live.objects[key], item) for key in keep):
            found[Ref("", "Namespace", "", item.namespace)] = f"it holds the inventory of what is kept (set {item.id})"
    return {key: reason for key, reason in found.items() if key in live.objects and key not in keep}
