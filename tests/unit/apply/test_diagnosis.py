# SPDX-License-Identifier: Apache-2.0
"""Whom one asks why something is not ready, and that nobody need be allowed to."""

from __future__ import annotations

import pytest
from mesh.apply.diagnosis import diagnose
from mesh.kube.failures import ApiFailure, failure


class Seen:
    """A cluster with some pods and no Events, or one that answers everything with a status code."""

    def __init__(self, pods=(), status=0):
        self.pods, self.status, self.asked = list(pods), status, []

    def list(self, _api_version, kind, *place):
        self.asked.append((kind, *place))
        if self.status:
            raise failure(self.status, b"", kind)
        return self.pods if kind == "Pod" else []

    def events_about(self, obj):
        return self.list("v1", "Event", obj["metadata"]["namespace"])


def workload(kind, version="apps/v1"):
    selector = {"matchLabels": {"app": "a", "tier": "b"}}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "w", "namespace": "shop"},
        "spec": {"selector": selector},
    }


def balancer(version="v1"):
    return {**workload("Service", version), "spec": {"type": "LoadBalancer"}}


def pod(name="p", **status):
    return {"metadata": {"name": name}, "status": status}


def waiting(reason, message=""):
    return [{"name": "app", "state": {"waiting": {"reason": reason, "message": message}}}]


UNSCHEDULABLE = {"type": "PodScheduled", "reason": "Unschedulable", "message": "0/1 nodes:\n\x1b[31mno"}


@pytest.mark.parametrize(
    ("pods", "reason"),
    [
        ([], None),
        ([pod()], None),
        ([pod(containerStatuses=waiting("ContainerCreating"))], None),
        (
            [pod(containerStatuses=waiting("ImagePullBackOff", "no\nsuch"))],
            "pod p, container app: ImagePullBackOff: no such",
        ),
        ([pod(initContainerStatuses=waiting("CrashLoopBackOff"))], "pod p, container app: CrashLoopBackOff"),
        ([pod(conditions=[UNSCHEDULABLE])], "pod p: 0/1 nodes: \\x1b[31mno"),
        ([pod("a"), pod("b", conditions=[UNSCHEDULABLE])], "pod b: 0/1 nodes: \\x1b[31mno"),
    ],
)
@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_pods_of_workloads(kind, pods, reason):
    cluster = Seen(pods)
    status = diagnose(cluster, workload(kind))
    assert (status and status.reason) == reason
    assert cluster.asked == [("Pod", "shop", "app=a,tier=b")]
    assert status is None or status.failed


@pytest.mark.parametrize(
    ("obj", "asked"),
    [
        (balancer(), ["Event", "Service"]),
        (balancer("serving.knative.dev/v1"), []),
        ({**balancer(), "spec": {"type": "ClusterIP"}}, []),
        (workload("Deployment", "example.com/v1"), []),
        (workload("Job", "batch/v1"), []),
    ],
)
def test_whom_else_one_asks(obj, asked):
    cluster = Seen()
    diagnose(cluster, obj)
    assert [kind for kind, *_place in cluster.asked] == asked


@pytest.mark.parametrize("obj", [workload("Deployment"), balancer()])
def test_who_may_not_look_waits_on(obj):
    assert diagnose(Seen(status=403), obj) is None
    with pytest.raises(ApiFailure):
        diagnose(Seen(status=500), obj)
