# SPDX-License-Identifier: Apache-2.0
"""Spec of the question which hosts outside Kubernetes a mesh has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import checks
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class WorkloadInfoSpec:
    """Tell which hosts outside Kubernetes are in the mesh, and how they are; or wait for some to come or go."""

    namespace: str | None = option("Namespace to look into; all without it.", default=None, check=checks.dns_label)
    group: str | None = option(
        "WorkloadGroup to which the hosts belong; all without it.", default=None, check=checks.dns_subdomain
    )
    addresses: list[str] = option("Addresses of the hosts; all without any.", default=[], check=checks.addresses)
    expect: Literal["present", "absent"] | None = option(
        "Wait until every host of O(addresses) is connected and not unhealthy (V(present)), or gone (V(absent)).",
        default=None,
    )
    wait_timeout: int = option("Seconds to wait at most.", default=120, check=checks.positive)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One host."""

    namespace: str = option("Namespace.")
    name: str = option("Name of its WorkloadEntry.")
    group: str = option("WorkloadGroup in which it registered itself; empty for a static entry.")
    address: str = option("Address.")
    network: str = option("Network; empty for the cluster's.")
    cluster: str = option("Cluster through which it registered itself, where that is told.")
    locality: str = option("Locality.")
    service_account: str = option("ServiceAccount.")
    labels: dict[str, str] = option("Labels.")
    connected: bool = option("Whether its agent is connected to istiod.")
    healthy: bool | None = option(
        "What its probe says; unset without a probe, or before it has said anything.", default=None
    )
    message: str = option("What the probe complains of.")
    since: str = option("When it connected or disconnected (RFC 3339); empty for a static entry.")


@dataclass(frozen=True, kw_only=True)
class WorkloadInfoResult:
    """What there is."""

    workloads: list[Workload] = option("The hosts, sorted.")
    groups: list[str] = option("WorkloadGroups as C(namespace/name).")
