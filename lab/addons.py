# SPDX-License-Identifier: Apache-2.0
"""What every cluster has beyond Kubernetes itself: CoreDNS."""

from __future__ import annotations

import string
from pathlib import Path

import yaml

from lab import versions
from lab.addresses import Addresses
from lab.home import Home
from lab.kubeapi import Api
from lab.waiting import wait_for

_MANIFEST = Path(__file__).with_name("manifests") / "coredns.yaml"
_NAMESPACED = "/api/v1/namespaces/kube-system"
_PATHS = {
    "ServiceAccount": f"{_NAMESPACED}/serviceaccounts",
    "ConfigMap": f"{_NAMESPACED}/configmaps",
    "Service": f"{_NAMESPACED}/services",
    "Deployment": "/apis/apps/v1/namespaces/kube-system/deployments",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}
_DEPLOYMENT = f"{_PATHS['Deployment']}/coredns"


def apply_coredns(home: Home, api: Api, addresses: Addresses) -> None:
    """CoreDNS as a Deployment, at the cluster's DNS address."""
    wait_for(f"namespace kube-system of {home.name}", lambda: api.get(_NAMESPACED) is not None)
    text = string.Template(_MANIFEST.read_text(encoding="utf-8"))
    for wanted in yaml.safe_load_all(text.substitute(image=versions.IMAGE_COREDNS, address=addresses.dns)):
        api.apply(f"{_PATHS[wanted['kind']]}/{wanted['metadata']['name']}", wanted)


def wait_for_coredns(home: Home, api: Api) -> None:
    """Names resolve from here on."""
    wait_for(f"CoreDNS of {home.name}", lambda: _available(api), [home.process("kubelet")])


def _available(api: Api) -> bool:
    found = api.get(_DEPLOYMENT) or {}
    return bool(found.get("status", {}).get("availableReplicas"))
