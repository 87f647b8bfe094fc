# SPDX-License-Identifier: Apache-2.0
"""Service accounts that may do what `rbac` derives from declarations, and no more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from mesh.apply.engine import run
from mesh.kube.cluster import Cluster
from mesh.model.objects import Object
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

NAMESPACE = "meshops-automation"


def derived(cluster: Cluster, declarations: list[dict[str, Any]], name: str) -> list[Object]:
    """The roles for declarations, and their bindings to the service account of that name."""
    operation = OPERATIONS["rbac"]
    data = {"declarations": declarations, "name": name, "subject": {"name": name, "namespace": NAMESPACE}}
    spec = parse(operation.spec, data)
    found: list[Object] = run(operation, spec, cluster, RunOptions(), Mode(), lambda _line: None).result["objects"]
    return found


def token(cluster: Cluster, name: str) -> str:
    """A token of a service account, which is made."""
    for obj in (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}},
    ):
        cluster.apply(obj, "admin")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{name}/token"
    return str(cluster.post(path, request)["status"]["token"])


def grant(cluster: Cluster, objects: Iterable[Object]) -> None:
    """As an admin would apply what `rbac` printed."""
    for obj in objects:
        cluster.apply(obj, "admin", force=True)


def revoke(cluster: Cluster, objects: Iterable[Object]) -> None:
    """Take roles and bindings away; namespaces stay."""
    for obj in objects:
        if obj["kind"] != "Namespace":
            resource = cluster.resource_of(obj)
            metadata = obj["metadata"]
            cluster.transport.raw("DELETE", resource.path(metadata.get("namespace", ""), metadata["name"]))


def settle(seconds: float = 0.3) -> None:
    """The API server's authorizer learns of roles by watch."""
    time.sleep(seconds)
