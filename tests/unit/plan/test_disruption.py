# SPDX-License-Identifier: Apache-2.0
"""What restarts take down, and which budgets count it."""

from __future__ import annotations

import pytest
from mesh.plan.disruption import minding, most, next_batch, room, selects, taken, uncounted


def workload(kind="Deployment", labels=None, status=None, **spec):
    template = {"metadata": {"labels": labels or {"app": "web"}}}
    metadata = {"name": "web", "namespace": "shop"}
    return {"kind": kind, "metadata": metadata, "spec": {"template": template, **spec}, "status": status or {}}


def rolling(**limits):
    return {"strategy": {"type": "RollingUpdate", "rollingUpdate": limits}}


def updating(**limits):
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": limits}}


@pytest.mark.parametrize(
    ("obj", "pods"),
    [
        (workload(replicas=1), 0),  # 25 % of 1, rounded down: the new pod comes first
        (workload(replicas=4), 1),
        (workload(replicas=10, **rolling(maxUnavailable="50%", maxSurge=0)), 5),
        (workload(replicas=3, **rolling(maxUnavailable=0, maxSurge=1)), 0),
        (workload(replicas=3, **rolling(maxUnavailable=0, maxSurge=0)), 1),  # or it could never go on
        (workload(replicas=3, **rolling(maxUnavailable="10%", maxSurge="0%")), 1),
        (workload(replicas=3, strategy={"type": "Recreate"}), 3),
        (workload("StatefulSet", replicas=3), 1),
        (workload("StatefulSet", replicas=10, **updating(maxUnavailable="25%")), 3),
        (workload("StatefulSet", replicas=3, **updating(partition=1)), 1),
        (workload("DaemonSet", status={"desiredNumberScheduled": 5}), 1),
        (workload("DaemonSet", status={"desiredNumberScheduled": 10}, **updating(maxUnavailable="30%")), 3),
        (workload("DaemonSet", status={"desiredNumberScheduled": 5}, **updating(maxSurge=1, maxUnavailable=0)), 0),
    ],
)
def test_pods_that_a_restart_takes_down_at_once(obj, pods):
    assert taken(obj) == pods


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "front"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["back"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, False),
    ],
)
def test_selectors(selector, chosen):
    assert selects(selector, {"app": "web"}) is chosen


def budget(name, namespace="shop", status=None):
    spec = {"selector": {"matchLabels": {"app": name}}}
    kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    return {**kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": status or {}}


def test_a_budget_minds_pods_of_its_own_namespace_alone():
    budgets = [budget("web"), budget("web", "elsewhere"), budget("api")]
    assert minding(workload(), budgets) == [budgets[0]]


def test_what_a_budget_allows_now_and_at_most():
    found = budget("web", status={"disruptionsAllowed": 1, "expectedPods": 5, "desiredHealthy": 3})
    assert (room(found), most(found)) == (1, 2)
    assert (room(budget("web")), most(budget("web"))) == (0, 0)


def test_a_budget_whose_controller_cannot_count_says_why():
    told = {"type": "DisruptionAllowed", "status": "False", "message": "no scale subresource"}
    assert uncounted(budget("web", status={"conditions": [{**told, "reason": "SyncFailed"}]})) == "no scale subresource"
    assert uncounted(budget("web", status={"conditions": [{**told, "reason": "InsufficientPods"}]})) == ""
    assert uncounted(budget("web")) == ""


ONE_DOWN = rolling(maxUnavailable=1)
FIRST, SECOND, THIRD = (workload(replicas=3, number=number, **ONE_DOWN) for number in range(3))
GENTLE = workload(replicas=1)
OTHER = workload(labels={"app": "api"}, replicas=3, **ONE_DOWN)


@pytest.mark.parametrize(
    ("workloads", "allowed", "at_once", "batch"),
    [
        ([FIRST, SECOND, THIRD], None, 2, [FIRST, SECOND]),
        ([FIRST, SECOND, THIRD], 1, 5, [FIRST]),
        ([FIRST, SECOND, THIRD], 2, 5, [FIRST, SECOND]),
        ([FIRST, SECOND, OTHER], 1, 5, [FIRST, OTHER]),
        ([FIRST, SECOND, OTHER], 0, 5, [OTHER]),
        ([FIRST, SECOND], 0, 5, []),
        ([FIRST, GENTLE], 0, 5, [GENTLE]),  # its new pod comes before the old one goes
        ([], 1, 5, []),
    ],
)
def test_what_restarts_together(workloads, allowed, at_once, batch):
    budgets = [] if allowed is None else [budget("web", status={"disruptionsAllowed": allowed})]
    assert next_batch(workloads, budgets, at_once) == batch
