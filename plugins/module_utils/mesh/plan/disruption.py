# SPDX-License-Identifier: Apache-2.0
"""How many pods a rolling update takes down at once, and which PodDisruptionBudgets mind (policy/v1)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model.objects import Object, Ref, ref


def taken(workload: Object) -> int:
    """Pods that a restart of a Deployment, StatefulSet or DaemonSet may take down before new ones are ready."""
    return _TAKEN[workload["kind"]](workload)


def _of_deployment(obj: Object) -> int:
    replicas, strategy = obj["spec"].get("replicas", 1), obj["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return int(replicas)
    rolling = strategy.get("rollingUpdate") or {}
    down = _share(rolling.get("maxUnavailable", "25%"), replicas, math.floor)
    # Where both come to nothing, the controller takes one pod down, or it could never go on.
    return down or int(not _share(rolling.get("maxSurge", "25%"), replicas, math.ceil))


def _of_stateful_set(obj: Object) -> int:
    rolling = (obj["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return max(1, _share(rolling.get("maxUnavailable") or 1, obj["spec"].get("replicas", 1), math.ceil))


def _of_daemon_set(obj: Object) -> int:
    rolling = (obj["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    nodes = obj.get("status", {}).get("desiredNumberScheduled", 1)
    if _share(rolling.get("maxSurge") or 0, nodes, math.ceil):
        return 0
    return max(1, _share(rolling.get("maxUnavailable") or 1, nodes, math.ceil))


_TAKEN = {"Deployment": _of_deployment, "StatefulSet": _of_stateful_set, "DaemonSet": _of_daemon_set}


def _share(value: Any, of: int, rounded: Any) -> int:
    """A number, or a percentage of the pods (intstr.GetScaledValueFromIntOrPercent)."""
    if isinstance(value, str) and value.endswith("%"):
        return int(rounded(int(value[:-1]) * of / 100))
    return int(value)


def minding(workload: Object, budgets: Iterable[Object]) -> list[Object]:
    """The budgets that count a workload's pods."""
    place, labels = workload["metadata"]["namespace"], workload["spec"]["template"].get("metadata", {}).get("labels")
    return [
        item
        for item in budgets
        if item["metadata"]["namespace"] == place and selects(item["spec"].get("selector"), labels or {})
    ]


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector (LabelSelector of meta/v1) chooses something with these labels; none chooses nothing."""
    if selector is None:
        return False
    exact = (selector.get("matchLabels") or {}).items()
    return all(labels.get(key) == value for key, value in exact) and all(
        _holds(labels.get(item["key"]), item["operator"], item.get("values") or ())
        for item in selector.get("matchExpressions") or ()
    )


def _holds(value: str | None, operator: str, values: Sequence[str]) -> bool:
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    return (value is not None) == (operator == "Exists")


def room(budget: Object) -> int:
    """Pods that may go now."""
    return int(budget.get("status", {}).get("disruptionsAllowed", 0))


def most(budget: Object) -> int:
    """Pods that may go when all are healthy."""
    status = budget.get("status", {})
    return int(status.get("expectedPods", 0)) - int(status.get("desiredHealthy", 0))


def uncounted(budget: Object) -> str:
    """Why its controller cannot count a budget's pods, for which no pod may go; nothing where it can."""
    conditions = budget.get("status", {}).get("conditions") or ()
    return next((str(item.get("message", "")) for item in conditions if item.get("reason") == "SyncFailed"), "")


def next_batch(workloads: Sequence[Object], budgets: Sequence[Object], at_once: int) -> list[Object]:
    """The first workloads that may restart together: of which no budget is asked for more than it has room for."""
    spent: Counter[Ref] = Counter()
    batch: list[Object] = []
    for workload in workloads:
        cost, minded = taken(workload), minding(workload, budgets)
        if all(cost == 0 or spent[ref(budget)] + cost <= room(budget) for budget in minded):
            spent.update({ref(budget): cost for budget in minded})
            batch.append(workload)
        if len(batch) == at_once:
            break
    return batch
