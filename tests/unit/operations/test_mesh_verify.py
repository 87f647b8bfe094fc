# SPDX-License-Identifier: Apache-2.0
"""The proof of a mesh, by what a cluster lists and lets one try."""

from __future__ import annotations

from collections import Counter

import pytest
from mesh.model.errors import MeshError
from mesh.model.operation import PlainAnswer
from mesh.model.spec import parse
from mesh.model.specs.mesh_verify import MeshVerifyResult, MeshVerifySpec
from mesh.operations.mesh_verify import answer

SYSTEM = "istio-system"


class Mesh:
    """A cluster with these objects, in which whatever is tried works."""

    name, server_version = "test", "1.36.0"
    api_versions: frozenset[str] = frozenset()

    def __init__(self, *objects):
        self.objects, self.listed, self.called, self.tried = objects, Counter(), [], []

    def list(self, _api_version, kind, namespace="", selector=""):
        self.listed[kind, namespace, selector] += 1
        return [obj for obj in self.objects if obj["kind"] == kind and self._is_in(obj, namespace)]

    def _is_in(self, obj, namespace):
        return namespace in ("", obj["metadata"].get("namespace"))

    def get(self, *_identity):
        return None

    def dry_run_create(self, obj):
        if obj["kind"] == "Gateway":
            raise MeshError("invalid_object", "denied the request")
        self.tried.append(obj)
        return {**obj, "spec": {"containers": [{"name": "istio-proxy"}]}}

    def plain_get(self, namespace, pod, port):
        self.called.append((namespace, pod, port))
        return PlainAnswer(True, "plain text is refused")


def obj(kind, name, namespace="", spec=None, status=None, **metadata):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **metadata}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec or {}, "status": status or {}}


def istiod(revision="default", namespace=SYSTEM):
    containers = [{"name": "discovery", "image": "istio/pilot:1.31.0"}]
    ready = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}
    spec = {"template": {"spec": {"containers": containers}}}
    return obj("Deployment", f"istiod-{revision}", namespace, spec, ready, labels={"istio.io/rev": revision})


def injector(revision="default", namespace=SYSTEM):
    client = {"caBundle": "Q0E=", "service": {"name": "istiod", "namespace": namespace}}
    found = obj("MutatingWebhookConfiguration", f"injector-{revision}", labels={"istio.io/rev": revision})
    return {**found, "webhooks": [{"name": "x", "clientConfig": client}]}


def gateway(namespace, name="edge", kind="ClusterIP"):
    return obj("Service", name, namespace, {"type": kind}, labels={"istio": name})


def pod(namespace, revision="default"):
    spec = {
        "containers": [{"name": "istio-proxy", "image": "x:1.31.0"}, {"name": "a", "ports": [{"containerPort": 80}]}]
    }
    status = {"sidecar.istio.io/status": f'{{"revision": "{revision}"}}'}
    return obj("Pod", f"page-{revision}", namespace, spec, {"phase": "Running"}, annotations=status)


def policy(namespace, mode="STRICT"):
    return obj("PeerAuthentication", "default", namespace, {"mtls": {"mode": mode}})


def verified(cluster, **options):
    told = answer(cluster, parse(MeshVerifySpec, options))
    parse(MeshVerifyResult, told)
    return told


def of(told, hop):
    return [(item["about"], item["passed"], item["text"]) for item in told["evidence"] if item["hop"] == hop]


def entry(name, group="ratings", namespace="shop", *, gone=False, healthy=None):
    marks = {"istio.io/autoRegistrationGroup": group, "istio.io/connectedAt": "2026-11-22T06:00:00Z"}
    marks |= {"istio.io/disconnectedAt": "2026-11-22T07:00:00Z"} if gone else {}
    conditions = [] if healthy is None else [{"type": "Healthy", "status": str(healthy), "message": "HTTP 500"}]
    spec = {"address": "192.0.2.1"}
    return obj("WorkloadEntry", name, namespace, spec, {"conditions": conditions}, annotations=marks)


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        ([], [], []),
        ([], [entry("a", gone=True)], []),
        ([], [entry("a"), entry("b", healthy=True)], [("all namespaces", True, "connected hosts: 2, none unhealthy")]),
        (
            [],
            [entry("a"), entry("b", healthy=False), entry("c", healthy=False, gone=True)],
            [("host shop/b", False, "its probe fails: HTTP 500")],
        ),
        (["shop/ratings"], [], [("group shop/ratings", False, "has no connected host")]),
        (["ratings"], [entry("a", gone=True)], [("group ratings", False, "has no connected host")]),
        (
            ["ratings", "shop/ratings", "bank/ratings"],
            [entry("a"), entry("b", namespace="bank"), entry("c", "other")],
            [
                ("group ratings", True, "connected hosts: 2"),
                ("group shop/ratings", True, "connected hosts: 1"),
                ("group bank/ratings", True, "connected hosts: 1"),
                ("all namespaces", True, "connected hosts: 3, none unhealthy"),
            ],
        ),
    ],
)
def test_hosts_outside_kubernetes(wanted, there, expected):
    cluster = Mesh(istiod(), injector(), *there)
    assert of(verified(cluster, workload_groups=wanted), "workloads") == expected
    assert cluster.listed["WorkloadEntry", "", ""] == 1


OTHER = "istio-other"
OUTSIDE = "runs outside namespace {}; its injector is here"
WHOLE = (istiod(), injector(), gateway("edge"), pod("shop"), policy(SYSTEM))


def test_a_mesh_that_works_and_each_list_is_asked_for_once():
    cluster = Mesh(*WHOLE)
    told = verified(cluster)
    assert (told["healthy"], told["broken"]) == (True, "")
    assert [item["hop"] for item in told["evidence"]] == [
        "control-plane",
        "injection",
        "validation",
        "proxies",
        "gateway",
        "mtls",
    ]
    assert cluster.called == [("shop", "page-default", 80)]
    assert [key for key, times in cluster.listed.items() if times > 1] == []


def test_without_plain_text_nobody_is_called():
    cluster = Mesh(*WHOLE)
    assert of(verified(cluster, plain_text=False), "mtls") == []
    assert cluster.called == []


HAS_NONE = "has no Service"
AT = "Service of type ClusterIP"


@pytest.mark.parametrize(
    ("wanted", "there", "expected"),
    [
        (["a/edge"], ["a"], [("gateway a/edge", True, AT)]),
        (["edge"], ["a"], [("gateway a/edge", True, AT)]),
        (["a/edge", "b/edge"], ["b"], [("gateway a/edge", False, HAS_NONE), ("gateway b/edge", True, AT)]),
        (["a/edge", "b/edge"], ["a", "b"], [("gateway a/edge", True, AT), ("gateway b/edge", True, AT)]),
        (["other"], ["a"], [("gateway other", False, HAS_NONE), ("gateway a/edge", True, AT)]),
        (["a"], ["a"], [("gateway a", False, HAS_NONE), ("gateway a/edge", True, AT)]),
    ],
)
def test_gateways_of_one_name_are_told_apart(wanted, there, expected):
    cluster = Mesh(istiod(), injector(), *(gateway(namespace) for namespace in there))
    assert of(verified(cluster, gateways=wanted), "gateway") == expected


TWO = (
    *(istiod(), injector(), pod("shop")),
    *(istiod("b", OTHER), injector("b", OTHER), pod("bank", "b")),
    policy(SYSTEM),
)
ONE = "Istio 1.31.0, 1 proxies"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [("revision default", True, ONE), ("revision b", True, OUTSIDE.format(SYSTEM))]),
        ({"namespaces": [OTHER]}, [("revision b", True, ONE), ("revision default", True, ONE)]),
        ({"namespaces": [OTHER, SYSTEM]}, [("revision b", True, ONE), ("revision default", True, ONE)]),
        ({"namespace": OTHER}, [("revision b", True, ONE), ("revision default", True, OUTSIDE.format(OTHER))]),
        ({"namespaces": [OTHER], "revisions": ["b"]}, [("revision b", True, ONE)]),
        ({"revisions": ["c"]}, [("revision c", False, "is not installed")]),
        (
            {"namespace": "x", "namespaces": ["y"], "revisions": ["b"]},
            [("revision b", True, OUTSIDE.format("x, y"))],
        ),
    ],
)
def test_control_planes_of_several_namespaces(options, expected):
    assert of(verified(Mesh(*TWO), **options), "control-plane") == expected


def test_each_is_tried_where_it_is():
    cluster = Mesh(*TWO)
    verified(cluster, namespaces=[OTHER])
    assert [
        (item["metadata"]["namespace"], item["metadata"]["labels"].get("istio.io/rev")) for item in cluster.tried
    ] == [
        (OTHER, "b"),
        (SYSTEM, None),
    ]
    assert cluster.called == [("shop", "page-default", 80)], "the other mesh requires nothing"
    assert [key for key, times in cluster.listed.items() if times > 1] == []


def test_where_there_is_none():
    told = verified(Mesh(), namespaces=[OTHER])
    assert told["broken"] == f"control-plane: namespace {SYSTEM}, {OTHER}: has no istiod"
