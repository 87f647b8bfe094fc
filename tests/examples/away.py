# SPDX-License-Identifier: Apache-2.0
"""Each module with the least that it takes, asked of a cluster that is away: what comes is an error that it tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .documented import COLLECTION

#: Connection options that lead nowhere, and the error that comes of them.
AWAY = {"kubeconfig": "/nonexistent"}
CODE = "cluster_config"

RULE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "a"},
    "spec": {"host": "a"},
}
SET = {"name": "rules", "namespace": "shop", "objects": [RULE]}
#: By module.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "config_set": SET,
    "control_plane": {"version": "1.31.0"},
    "gateway": {"name": "webgw", "version": "1.31.0"},
    "gateway_api": {},
    "injection": {"namespaces": ["shop"]},
    "kube_inject": {"objects": [RULE]},
    "mesh_info": {},
    "mesh_verify": {},
    "network_service": {"name": "intranet"},
    "nsm_client": {"name": "intranet", "namespace": "shop"},
    "rbac": {"declarations": [{"config_set": SET}]},
    "revision_tag": {"tag": "prod", "revision": "canary"},
    "vm_bootstrap": {"group": "ratings", "namespace": "shop", "return_files": True},
    "waypoint": {"namespace": "shop"},
    "workload_group": {"name": "ratings", "namespace": "shop"},
    "workload_info": {},
}


def tasks() -> list[dict[str, Any]]:
    """A task for each module."""
    return [{"name": name, f"{COLLECTION}.{name}": dict(options)} for name, options in OPTIONS.items()]


__all__ = ["AWAY", "CODE", "OPTIONS", "RULE", "SET", "tasks"]
