# SPDX-License-Identifier: Apache-2.0
"""What the modules say of themselves, and where each of their examples is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

MODULES = Path(__file__).resolve().parents[2] / "plugins" / "modules"
COLLECTION = "meshops.mesh"

#: By module the examples for which an API server is enough: nothing runs, so nothing is waited for.
ON_AN_API_SERVER: Mapping[str, tuple[str, ...]] = {
    "config_set": (
        "Traffic rules of the shop",
        "Objects from a directory of files, and from a template",
        "The same as manifests for Argo CD or Flux",
        "Remove all of it",
    ),
    "control_plane": (
        "A control plane from Istio's own charts",
        "A second revision beside it, to move workloads over",
        "What would change",
        "Remove the revision",
    ),
    "gateway": ("An ingress gateway", "A gateway of the Gateway API, for which istiod runs the proxies", "Remove it"),
    "gateway_api": (
        "Definitions of the Gateway API",
        "From a mirror, and nothing else than what was once looked at",
        "Remove them",
    ),
    "injection": (
        "Pods of the shop get a sidecar",
        "By revision tag",
        "After the tag has moved, workloads with the old proxy restart, two at a time",
        "The shop leaves the mesh",
    ),
    "mesh_info": ("Look", "Every control plane is ready", "What needs somebody's hand within two months"),
    "network_service": (
        "Every connection passes the firewall, and ends at the VPN gateway",
        "What that comes to",
        "Guests pass a filter besides, and the operators' clients pass nothing",
        "An endpoint on the client's own node if there is one, over a forwarder for fast cards",
        "A NetworkService as it was written in 2019",
        "The service is gone",
    ),
    "nsm_client": (
        "The shop's pages are in the intranet",
        "Whatever is labelled so gets two networks, one of them in another cluster",
        "The pages leave the intranet",
    ),
    "rbac": ("Roles of the account that keeps the shop's rules", "A file for kubectl apply"),
    "revision_tag": ("Production runs on the revision canary from now on", "Remove the tag"),
    "workload_group": (
        "The shop's ratings run on virtual machines",
        "A database in a network of its own, called by a name of the mesh",
        "Hosts without an agent",
        "The database is gone",
    ),
    "workload_info": ("All hosts of the mesh", "Addresses of those that are connected"),
    "waypoint": (
        "Requests between services of the shop are authorized by path and method",
        "One waypoint for several namespaces",
        "The shop does without",
    ),
}
#: Those that are run where an istiod and its proxies do.
ON_A_MESH: Mapping[str, tuple[str, ...]] = {
    "gateway": ("An ingress gateway", "Where it is", "Remove it"),
    "kube_inject": (
        "What this becomes with the proxy in it",
        "The whole shop with proxies in it, by the injector of a tag",
        "A client that speaks gRPC by itself, with the agent alone",
        "Keep it",
    ),
    "mesh_info": ("Look", "Every control plane is ready"),
    "mesh_verify": (
        "Look and try",
        "The mesh works",
        "The same, and the shop's ratings have a host outside Kubernetes that is connected",
    ),
}
#: Those of modules that look at hosts and change them, and talk to no cluster.
ON_A_HOST: Mapping[str, tuple[str, ...]] = {
    "vm_files": ("What the agent needs", "Away with it"),
    "vm_host": ("Look at the host", "Try istiod from there"),
}
#: Those for which a host and a mesh are needed (tests/e2e/test_7_hosts.py).
WITH_HOSTS: Mapping[str, tuple[str, ...]] = {
    "vm_bootstrap": ("This host joins the ratings", "Files of two hosts in one go", "When the token expires"),
    "workload_info": ("Two hosts have joined",),
}


def modules() -> list[str]:
    """Names of all modules."""
    return sorted(path.stem for path in MODULES.glob("*.py"))


def operations() -> list[str]:
    """Those of the modules that run an operation on a cluster."""
    return [name for name in modules() if name not in ON_A_HOST]


def examples(module: str, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """Tasks of a module's EXAMPLES, as they stand there; only those of these names, if any are given."""
    tasks: list[dict[str, Any]] = yaml.safe_load(_block(module, "EXAMPLES"))
    return [task for task in tasks if names is None or task["name"] in names]


def returns(module: str) -> dict[str, dict[str, Any]]:
    """A module's RETURN."""
    told: dict[str, dict[str, Any]] = yaml.safe_load(_block(module, "RETURN"))
    return told


def ours(task: Mapping[str, Any]) -> str | None:
    """Which of our modules a task runs, if it does."""
    prefix = f"{COLLECTION}."
    return next((key.removeprefix(prefix) for key in task if key.startswith(prefix)), None)


def _block(module: str, name: str) -> str:
    """The text that a module assigns to a name; nothing of it is imported."""
    for item in ast.parse((MODULES / f"{module}.py").read_text(encoding="utf-8")).body:
        if isinstance(item, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in item.targets):
            return str(ast.literal_eval(item.value))
    raise LookupError(f"plugins/modules/{module}.py has no {name}")
