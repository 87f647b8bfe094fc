# SPDX-License-Identifier: Apache-2.0
"""Where mTLS is required, and on which pods that can be tried."""

from __future__ import annotations

import pytest
from mesh.operations.mtls import candidates

ROOT = "istio-system"


def root_of(pod):
    """The root namespace of its mesh."""
    return pod["metadata"]["labels"].get("root", ROOT)


def policy(namespace, mode, created="2026-01-01", **selector):
    spec = {"mtls": {"mode": mode}, **({"selector": {"matchLabels": selector}} if selector else {})}
    return {"metadata": {"namespace": namespace, "creationTimestamp": created}, "spec": spec}


@pytest.mark.parametrize(
    ("policies", "namespaces"),
    [
        ([], []),
        ([policy("shop", "STRICT")], ["shop"]),
        ([policy(ROOT, "STRICT")], ["bank", "shop"]),
        ([policy(ROOT, "STRICT"), policy("shop", "PERMISSIVE")], ["bank"]),
        ([policy(ROOT, "STRICT"), policy("shop", "UNSET")], ["bank", "shop"]),
        ([policy(ROOT, "PERMISSIVE"), policy("shop", "STRICT")], ["shop"]),
        ([policy("shop", "STRICT", app="page")], []),
        ([policy("shop", "PERMISSIVE", "2026-01-01"), policy("shop", "STRICT", "2026-02-01")], []),
        ([policy("shop", "STRICT", "2026-01-01"), policy("shop", "DISABLE", "2026-02-01")], ["shop"]),
        ([{"metadata": {"namespace": "shop"}}, {"metadata": {"namespace": "bank"}, "spec": {"mtls": None}}], []),
    ],
)
def test_where_it_is_required(policies, namespaces):
    pods = [pod(namespace=name) for name in (ROOT, "bank", "shop")]
    assert sorted(candidates(policies, pods, root_of)) == namespaces


@pytest.mark.parametrize(
    ("policies", "namespaces"),
    [
        ([policy(ROOT, "STRICT")], ["shop"]),
        ([policy("other", "STRICT")], ["bank"]),
        ([policy(ROOT, "STRICT"), policy("other", "STRICT"), policy("bank", "PERMISSIVE")], ["shop"]),
        ([policy("bank", "STRICT")], ["bank"]),
    ],
)
def test_what_holds_for_a_mesh_holds_for_its_own_pods(policies, namespaces):
    pods = [pod(namespace="shop"), pod(namespace="bank", root="other"), pod(namespace="other", root="other")]
    assert sorted(candidates(policies, pods, root_of)) == namespaces


def pod(
    name="page",
    phase="Running",
    injected=True,
    ports=({"containerPort": 8080},),
    marks=None,
    namespace="shop",
    **labels,
):
    annotations = {**({"sidecar.istio.io/status": "{}"} if injected else {}), **(marks or {})}
    own = {"name": "app", "ports": list(ports)}
    proxy = {"name": "istio-proxy", "ports": [{"containerPort": 15090}]}
    return {
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations, "labels": labels},
        "spec": {"containers": [proxy, own]},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("pods", "found"),
    [
        ([], {}),
        ([pod()], {"shop": ("page", 8080)}),
        ([pod(injected=False)], {}),
        ([pod(phase="Pending")], {}),
        ([pod(ports=[])], {"shop": None}),
        ([pod(ports=[{"containerPort": 53, "protocol": "UDP"}])], {"shop": None}),
        ([pod("a", ports=[]), pod("b")], {"shop": ("b", 8080)}),
        ([pod(app="legacy")], {"shop": None}),
        ([pod(marks={"traffic.sidecar.istio.io/excludeInboundPorts": "9090, 8080"})], {"shop": None}),
        ([pod(marks={"traffic.sidecar.istio.io/includeInboundPorts": "9090"})], {"shop": None}),
        ([pod(marks={"traffic.sidecar.istio.io/includeInboundPorts": "8080"})], {"shop": ("page", 8080)}),
        ([pod(marks={"inject.istio.io/templates": "grpc-agent"})], {}),
        ([pod("a", app="legacy"), pod("b", app="page")], {"shop": ("b", 8080)}),
    ],
)
def test_candidates(pods, found):
    exempt = policy("shop", "PERMISSIVE", app="legacy")
    assert candidates([policy("shop", "STRICT"), exempt], pods, root_of) == found
