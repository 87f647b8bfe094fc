# SPDX-License-Identifier: Apache-2.0
"""What the clusters are to have: the same as examples/inventory declares for Ansible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

#: Istio's Bookinfo sample.
IMAGES = {
    ("page", "v1"): "docker.io/istio/examples-bookinfo-productpage-v1:1.20.3",
    ("details", "v1"): "docker.io/istio/examples-bookinfo-details-v1:1.20.3",
    ("reviews", "v1"): "docker.io/istio/examples-bookinfo-reviews-v1:1.20.3",
    ("reviews", "v2"): "docker.io/istio/examples-bookinfo-reviews-v2:1.20.3",
    ("ratings", "v1"): "docker.io/istio/examples-bookinfo-ratings-v1:1.20.3",
}
TRAFFIC = Path(__file__).parents[2] / "shop" / "traffic.yml"


def declaration(clusters: Mapping[str, Mapping[str, Any]], version: str, **of_all: Any) -> dict[str, Any]:
    """A mesh as `Mesh` takes it. ``of_all`` may be ``charts`` and ``values`` of charts, and ``image`` of the shop."""
    charts = {"version": version, **({"charts": of_all["charts"]} if "charts" in of_all else {})}
    return {
        "clusters": {name: {**cluster, **_of(name, charts, of_all)} for name, cluster in clusters.items()},
        "injection": [{"namespaces": ["shop"]}],
        "gateway": [{"name": "webgw", **charts, "replicas": 1, "image_pull_policy": "IfNotPresent"}],
    }


def _of(cluster: str, charts: Mapping[str, Any], of_all: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from cluster to cluster."""
    plane = {
        **charts,
        "mesh_id": "shop",
        "cluster_name": cluster,
        "mesh_config": {"accessLogFile": "/dev/stdout"},
        "values": of_all.get("values", {}),
    }
    traffic = list(yaml.safe_load_all(TRAFFIC.read_text(encoding="utf-8")))
    workloads = list(_objects(cluster, of_all.get("image")))
    sets = [
        {"name": "shop", "namespace": "shop", "objects": workloads},
        {"name": "shop-traffic", "namespace": "shop", "objects": traffic},
    ]
    return {"control_plane": [plane], "config_set": sets}


def _objects(cluster: str, image: str | None) -> Iterator[dict[str, Any]]:
    for service in dict.fromkeys(service for service, _version in IMAGES):
        yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": service}}
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service, "labels": {"app": service}},
            "spec": {"selector": {"app": service}, "ports": [{"name": "http", "port": 9080}]},
        }
    for (service, version), usual in IMAGES.items():
        labels = {"app": service, "version": version}
        told = {"SERVICE": service, "VERSION": version, "CLUSTER_NAME": cluster}
        container = {
            "name": service,
            "image": image or usual,
            "imagePullPolicy": "IfNotPresent",
            "env": [{"name": name, "value": value} for name, value in told.items()],
            "ports": [{"containerPort": 9080}],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        }
        pod = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": service, "containers": [container]}}
        yield {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"{service}-{version}", "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
        }
