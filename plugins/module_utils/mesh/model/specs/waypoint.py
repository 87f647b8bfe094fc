# SPDX-License-Identifier: Apache-2.0
"""Spec of a waypoint: the layer 7 proxy of ambient workloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import checks
from ..sets import DEFAULT_REVISION
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class WaypointSpec:
    """Run a waypoint, and send the traffic of namespaces through it."""

    namespace: str = option(
        "Namespace of the waypoint; created when it does not exist.",
        check=checks.dns_label,
        example="shop",
        replaces=True,
    )
    name: str = option("Name of the waypoint.", default="waypoint", check=checks.dns_label, replaces=True)
    traffic: Literal["service", "workload", "all", "none"] = option(
        "What passes through it: traffic to services, to workloads (pods and VMs) by their address, or both.",
        default="service",
    )
    namespaces: list[str] = option(
        "Namespaces whose workloads use it, by the label C(istio.io/use-waypoint); one that does not exist is created. "
        "Without any, Services and pods choose it by that label themselves.",
        default=[],
        check=checks.dns_labels,
        example=["shop"],
    )
    ingress: bool = option(
        "Whether traffic that comes in through gateways to O(namespaces) passes through it, too.", default=False
    )
    revision: str = option("Revision or revision tag that runs it.", default=DEFAULT_REVISION, check=checks.dns_label)
    labels: dict[str, str] = option("Labels of its pods and Service.", default={})
    replicas: int | None = option("Fixed number of pods.", default=None)
    min_replicas: int | None = option("Least number of pods under autoscaling.", default=None)
    max_replicas: int | None = option("Greatest number of pods; switches autoscaling on.", default=None)


@dataclass(frozen=True, kw_only=True)
class WaypointResult:
    """What a waypoint tells."""

    addresses: list[str] = option("Where it is reached inside the cluster.")
