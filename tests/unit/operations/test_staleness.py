# SPDX-License-Identifier: Apache-2.0
"""Workloads whose pods have another proxy than new ones would get."""

from __future__ import annotations

import json

import pytest
from mesh.model.errors import MeshError
from mesh.model.spec import parse
from mesh.model.specs.injection import InjectionSpec
from mesh.operations import injection, staleness


def pod(owner="web", revision=None, image="proxyv2:1.31.0", **more):
    """A pod of a Deployment, with a revision's proxy or none."""
    metadata = {
        "name": f"{owner}-abc-1",
        "namespace": "shop",
        "labels": {"pod-template-hash": "abc"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": f"{owner}-abc", "controller": True}],
        "annotations": {} if revision is None else {"sidecar.istio.io/status": json.dumps({"revision": revision})},
    }
    containers = [{"name": "app", "image": "app:1"}]
    if revision is not None:
        containers.append({"name": "istio-proxy", "image": image})
    return {"metadata": metadata, "spec": {"containers": containers}, "status": {"phase": "Running"}, **more}


def deployment(name="web", template=None, **spec):
    template = {"metadata": {}, "spec": {"containers": []}, **(template or {})}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template, **spec}}


class Cluster:
    """Lists what is there; a new pod gets ``fresh``."""

    name = "test"

    def __init__(self, pods, fresh=None, **found):
        self.pods, self.fresh, self.found, self.tried = pods, fresh, found, []

    def list(self, _version, kind, namespace="", _selector=""):
        assert namespace == "shop"
        return self.pods if kind == "Pod" else self.found.get(kind, [])

    def dry_run_create(self, obj):
        self.tried.append(obj)
        if isinstance(self.fresh, MeshError):
            raise self.fresh
        return self.fresh


@pytest.mark.parametrize(
    ("pods", "fresh", "reason"),
    [
        ([pod(revision="a")], pod(revision="a"), None),
        ([pod()], pod(), None),
        ([pod(revision="a")], pod(revision="b"), "revision a, proxyv2:1.31.0; new ones get revision b, proxyv2:1.31.0"),
        (
            [pod(revision="a", image="hub/proxyv2:1.30.0")],
            pod(revision="a"),
            "revision a, proxyv2:1.30.0; new ones get revision a, proxyv2:1.31.0",
        ),
        ([pod()], pod(revision="a"), "no proxy; new ones get revision a, proxyv2:1.31.0"),
        ([pod(revision="a")], pod(), "revision a, proxyv2:1.31.0; new ones get no proxy"),
        ([pod(revision="a", status={"phase": "Succeeded"})], pod(), None),
    ],
)
def test_by_trying_a_pod(pods, fresh, reason):
    found = staleness.due(Cluster(pods, fresh, Deployment=[deployment()]), ["shop"])
    assert [item.reason for item in found] == ([] if reason is None else [f"1 of 1 pods have {reason}"])


def test_a_restart_that_would_end_without_pods_is_refused():
    refused = MeshError("invalid_object", "denied the request: no", where="Pod shop/meshops-proof")
    with pytest.raises(MeshError) as caught:
        staleness.due(Cluster([pod()], refused, Deployment=[deployment()]), ["shop"])
    assert str(caught.value) == (
        "Deployment shop/web, a new pod of it: Pod shop/meshops-proof: denied the request: no "
        "(mend that first: a restart would end without pods)"
    )


@pytest.mark.parametrize(
    ("pods", "found"),
    [
        ([], {"Deployment": [deployment()]}),
        ([pod("other")], {"Deployment": [deployment()]}),
        ([pod()], {"Deployment": [deployment(paused=True)]}),
        (
            [{**pod(), "metadata": {**pod()["metadata"], "ownerReferences": [{"kind": "StatefulSet", "name": "db"}]}}],
            {"StatefulSet": [{**deployment("db"), "kind": "StatefulSet"}]},
        ),
    ],
)
def test_what_no_restart_would_help_is_not_tried(pods, found):
    cluster = Cluster(pods, pod(revision="a"), **found)
    assert staleness.due(cluster, ["shop"]) == []
    assert cluster.tried == []


@pytest.mark.parametrize(
    ("pods", "template", "revision", "due"),
    [
        ([pod()], {}, "a", True),
        ([pod(revision="a")], {}, "a", False),
        ([pod(revision="b")], {}, "a", True),
        ([pod(revision="b")], {}, None, True),
        ([pod()], {}, None, False),
        ([pod()], {"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}}, "a", False),
        ([pod()], {"metadata": {"annotations": {"sidecar.istio.io/inject": "False"}}}, "a", False),
        ([pod()], {"spec": {"hostNetwork": True}}, "a", False),
    ],
)
def test_foreseen_before_the_labels_are_there(pods, template, revision, due):
    cluster = Cluster(pods, Deployment=[deployment(template=template)])
    assert bool(staleness.foreseen(cluster, ["shop"], lambda _workload: revision)) is due
    assert cluster.tried == []


#: As Istio's chart has it: by the namespace, and by the pod where the namespace says nothing.
INJECTOR = {
    "metadata": {"name": "injector", "labels": {"istio.io/rev": "default"}},
    "webhooks": [
        {"namespaceSelector": {"matchLabels": {"istio-injection": "enabled"}}, "objectSelector": {}},
        {
            "namespaceSelector": {"matchExpressions": [{"key": "istio-injection", "operator": "DoesNotExist"}]},
            "objectSelector": {"matchLabels": {"sidecar.istio.io/inject": "true"}},
        },
    ],
}


@pytest.mark.parametrize(
    ("spec", "state", "asking", "due"),
    [
        ({}, "present", False, True),
        ({}, "present", True, True),
        ({"mode": "none"}, "present", True, False),
        ({}, "absent", True, True),  # nothing forbids what the pods ask for
        ({}, "absent", False, False),
        ({"mode": "ambient"}, "present", True, True),
    ],
)
def test_what_pods_ask_for_themselves_is_foreseen(spec, state, asking, due):
    fields = {"f:metadata": {"f:labels": {"f:istio-injection": {}}}}
    managed = [{"manager": "meshops/injection", "operation": "Apply", "fieldsV1": fields}]
    metadata = {"name": "shop", "labels": {"istio-injection": "enabled"}, "managedFields": managed}
    facts = injection.Facts({"shop": {"metadata": metadata}}, [INJECTOR], [], {})
    labels = {"sidecar.istio.io/inject": "true"} if asking else {}
    cluster = Cluster([pod()], Deployment=[deployment(template={"metadata": {"labels": labels}})])
    wanted = parse(InjectionSpec, {"namespaces": ["shop"], "restart": True, **spec})
    assert bool(injection.restarts(cluster, wanted, facts, state, False)) is due
