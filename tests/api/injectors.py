# SPDX-License-Identifier: Apache-2.0
"""Injection webhooks as charts and istioctl leave them, but for pods that do not exist."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from mesh.kube.cluster import Cluster

API = "admissionregistration.k8s.io/v1"
KIND = "MutatingWebhookConfiguration"
PATH = f"/apis/{API}/mutatingwebhookconfigurations"


def injector(name: str, labels: dict[str, str], *, default: bool = False) -> dict[str, Any]:
    """A webhook with the marks of a revision or tag; ``default`` answers for istio-injection=enabled."""
    answered = "enabled" if default else "never"
    selector = {"matchExpressions": [{"key": "istio-injection", "operator": "In", "values": [answered]}]}
    return {
        "apiVersion": API,
        "kind": KIND,
        "metadata": {"name": name, "labels": labels},
        "webhooks": [
            {
                "name": "test.istio.io",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": "https://127.0.0.1:1/inject"},
                "failurePolicy": "Ignore",
                "namespaceSelector": selector,
                "objectSelector": {"matchLabels": {"test": "never"}},
                "sideEffects": "None",
            }
        ],
    }


@contextlib.contextmanager
def installed(cluster: Cluster, *webhooks: dict[str, Any]) -> Iterator[None]:
    """Somebody else installed these, for the length of a block."""
    for obj in webhooks:
        cluster.apply(obj, "them")
    try:
        yield
    finally:
        for obj in webhooks:
            cluster.transport.raw("DELETE", f"{PATH}/{obj['metadata']['name']}")
