# SPDX-License-Identifier: Apache-2.0
"""The state of a mesh in Prometheus' text format (exposition format 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

_Sample = tuple[Mapping[str, str], float]


def metrics(found: Mapping[str, Any], cluster: str) -> str:
    """Gauges by what mesh_info found; all have the label ``cluster``."""
    proxies = Counter((item["revision"], item["version"]) for item in found["proxies"])
    severities = Counter(item["severity"] for item in found["concerns"])
    families: tuple[tuple[str, str, Iterable[_Sample]], ...] = (
        (
            "meshops_revision_ready",
            "Whether the control plane is available and its injector can be called.",
            [
                (_picked(item, "namespace", "revision", "version"), float(item["ready"] and item["webhook"]))
                for item in found["revisions"]
            ],
        ),
        (
            "meshops_proxies",
            "Pods with a proxy, by revision and version of the proxy.",
            [({"revision": rev, "version": version}, count) for (rev, version), count in sorted(proxies.items())],
        ),
        (
            "meshops_gateway_addresses",
            "Addresses of a gateway.",
            [
                ({"namespace": item["namespace"], "gateway": item["name"]}, len(item["addresses"]))
                for item in found["gateways"]
            ],
        ),
        (
            "meshops_workload_connected",
            "Whether the agent of a host outside Kubernetes is connected; of hosts that have one.",
            [(_host(item), float(item["connected"])) for item in found["workloads"] if item["since"]],
        ),
        (
            "meshops_workload_healthy",
            "Whether the probe of a host outside Kubernetes succeeds; of hosts where it has been tried.",
            [(_host(item), float(item["healthy"])) for item in found["workloads"] if item["healthy"] is not None],
        ),
        (
            "meshops_concerns",
            "What is wrong (critical) or will be (warning).",
            [({"severity": severity}, severities[severity]) for severity in ("critical", "warning")],
        ),
    )
    return "".join(_family(*family, cluster) for family in families)


def _host(item: Mapping[str, Any]) -> Mapping[str, str]:
    """Two hosts may have one address, in different networks; their entries differ, and so must samples."""
    return {**_picked(item, "namespace", "group", "address"), "entry": item["name"]}


def _picked(item: Mapping[str, Any], *keys: str) -> Mapping[str, str]:
    return {key: item[key] for key in keys}


def _family(name: str, help_text: str, samples: Iterable[_Sample], cluster: str) -> str:
    lines = [f"{name}{{{_labels({'cluster': cluster, **labels})}}} {value:g}\n" for labels, value in samples]
    return "".join([f"# HELP {name} {help_text}\n", f"# TYPE {name} gauge\n", *lines]) if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
