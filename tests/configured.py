# SPDX-License-Identifier: Apache-2.0
"""What control planes leave in a cluster for hosts that join: their configuration and root, without a control plane."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from mesh.kube.cluster import Cluster
from mesh.model.objects import Object, ref

from tests.api.injectors import injector, installed
from tests.api.policies import until

ISTIO = "istio-system"
NETWORKING = "networking.istio.io"
MESH = {
    "defaultConfig": {
        "discoveryAddress": f"istiod.{ISTIO}.svc:15012",
        "meshId": "mesh1",
        "proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "false", "PROXY": "http://proxy.example.com:3128"},
    },
    "trustDomain": "cluster.local",
}
REVISED = {"defaultConfig": {"proxyMetadata": {}}, "trustDomain": "example.org"}
#: Kinds that tell of hosts outside Kubernetes.
KINDS = [f"{plural}.{NETWORKING}" for plural in ("workloadgroups", "workloadentries", "serviceentries")]
_MARKS = (
    {"istio.io/rev": "default"},
    {"istio.io/rev": "canary"},
    {"istio.io/rev": "canary", "istio.io/tag": "prod"},
)


@contextlib.contextmanager
def workload_kinds(cluster: Cluster, charts: str) -> Iterator[None]:
    """They are served for the length of a block."""
    found = _definitions(charts)
    serve_workload_kinds(cluster, charts)
    yield
    for obj in found:
        cluster.delete(ref(obj))
    for obj in found:
        until(partial(_is_gone, cluster, obj))
    cluster.forget_kinds()


def serve_workload_kinds(cluster: Cluster, charts: str) -> None:
    """Until they are taken away."""
    for obj in _definitions(charts):
        cluster.apply(obj, "test", force=True)
        until(partial(_is_served, cluster, obj))


def _is_gone(cluster: Cluster, obj: Object) -> bool:
    return cluster.get(obj["apiVersion"], obj["kind"], "", obj["metadata"]["name"]) is None


def _is_served(cluster: Cluster, definition: Object) -> bool:
    cluster.forget_kinds()
    return cluster.kinds.find(definition["spec"]["group"], definition["spec"]["names"]["kind"]) is not None


def _definitions(charts: str) -> list[dict[str, Any]]:
    """As Istio's chart has them."""
    texts = [path.read_text(encoding="utf-8") for path in Path(charts, "base").rglob("crd-all.gen.yaml")]
    found = [obj for text in texts for obj in yaml.safe_load_all(text) if obj and obj["metadata"]["name"] in KINDS]
    assert len(found) == len(KINDS)
    return found


@contextlib.contextmanager
def configured(cluster: Cluster, namespace: str, root: str) -> Iterator[None]:
    """The configuration of the revisions default and canary (tag prod), and a root (PEM) for a namespace."""
    found = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ISTIO}},
        _config_map("istio", ISTIO, mesh=yaml.safe_dump(MESH)),
        _config_map("istio-canary", ISTIO, mesh=yaml.safe_dump(REVISED)),
        _config_map("istio-sidecar-injector", ISTIO, values=_values("onprem")),
        _config_map("istio-sidecar-injector-canary", ISTIO, values=_values("")),
        _config_map("istio-ca-root-cert", namespace, **{"root-cert.pem": root}),
    ]
    for obj in found:
        cluster.apply(obj, "test", force=True)
    with installed(cluster, *(_in_cluster(f"injector-{i}", marks) for i, marks in enumerate(_MARKS))):
        yield
    for obj in found[1:]:
        cluster.delete(ref(obj))


def _config_map(name: str, namespace: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def _in_cluster(name: str, marks: dict[str, str]) -> dict[str, Any]:
    """An injector whose control plane is in the cluster."""
    found = injector(name, marks)
    for webhook in found["webhooks"]:
        webhook["clientConfig"] = {"service": {"name": "istiod", "namespace": ISTIO, "path": "/inject"}}
    return found


def _values(name: str) -> str:
    return json.dumps({"global": {"multiCluster": {"clusterName": name}}})
