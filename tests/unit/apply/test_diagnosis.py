# SPDX-License-Identifier: Apache-2.0
"""Whom one asks why something is not ready, and that nobody need be allowed to."""

from __future__ import annotations

import pytest
from mesh.apply.diagnosis import diagnose
from mesh.kube.failures import ApiFailure, failure


class Seen:
    """A cluster with some pods and Services and no Events, or one that answers everything with a status code."""

    def __init__(self, pods=(), status=0, services=(), classes=()):
        self.pods, self.status, self.asked = list(pods), status, []
        self.services, self.classes = list(services), classes

    def get(self, _version, kind, _namespace, name):
        self.asked.append((kind, name))
        return {} if name in self.classes else None

    def list(self, _api_version, kind, *place):
        self.asked.append((kind, *place))
        if self.status:
            raise failure(self.status, b"", kind)
        return {"Pod": self.pods, "Service": self.services}.get(kind, [])

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


def gateway():
    made = workload("Gateway", "gateway.networking.k8s.io/v1")
    return {**made, "spec": {"gatewayClassName": "istio"}}


def pending(**more):
    """A Service as istiod makes it."""
    managed = [{"manager": "istio.io/gateway-controller", "operation": "Apply"}]
    return {**balancer(), "metadata": {"name": "w-istio", "namespace": "shop", "managedFields": managed, **more}}


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Seen(), "there is no GatewayClass istio"),
        (Seen(classes=["istio"]), None),
        (
            Seen([pod(containerStatuses=waiting("ErrImagePull"))], classes=["istio"]),
            "pod p, container app: ErrImagePull",
        ),
        (
            Seen(services=[pending()], classes=["istio"]),
            "no load balancer controller has taken notice of it",
        ),
        (Seen(services=[pending(finalizers=["a/b"])], classes=["istio"]), None),
    ],
)
def test_gateways_of_the_gateway_api(seen, reason):
    status = diagnose(seen, gateway())
    assert (status and status.reason) == reason
    assert status is None or status.failed
