# SPDX-License-Identifier: Apache-2.0
"""Spec of the state query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import checks
from ..spec import option
from .workload_info import Workload


@dataclass(frozen=True, kw_only=True)
class RevisionInfo:
    """A control plane."""

    revision: str = option("Revision.")
    namespace: str = option("Namespace of its istiod.")
    version: str = option("Istio version.")
    ready: bool = option("Whether istiod is available.")
    reason: str = option("Why it is not.")
    webhook: bool = option("Whether its injection webhook can be called.")
    proxies: int = option("Number of connected proxies.")


@dataclass(frozen=True, kw_only=True)
class TagInfo:
    """A revision tag."""

    tag: str = option("Tag.")
    revision: str = option("Revision that it stands for.")


@dataclass(frozen=True, kw_only=True)
class NamespaceInfo:
    """A namespace that says how its pods join."""

    namespace: str = option("Namespace.")
    policy: str = option("Labels that say it, as C(key=value), with commas.")


@dataclass(frozen=True, kw_only=True)
class GatewayInfo:
    """A Service in front of gateway proxies."""

    namespace: str = option("Namespace.")
    name: str = option("Name.")
    type: str = option("Type of the Service.")
    addresses: list[str] = option("Addresses or host names of its load balancer.")
    ports: list[int] = option("Ports of the Service.")


@dataclass(frozen=True, kw_only=True)
class SetInfo:
    """A set of objects that is kept by a declaration."""

    set: str = option("Set.")
    namespace: str = option("Namespace of its inventory.")
    version: str = option("What was installed; empty where that has no version.")


@dataclass(frozen=True, kw_only=True)
class ProxyInfo:
    """A pod with a proxy."""

    namespace: str = option("Namespace.")
    name: str = option("Name of the pod.")
    revision: str = option("Revision that injected it.")
    version: str = option("Version of the proxy.")
    image: str = option("Image of the proxy.")


@dataclass(frozen=True, kw_only=True)
class Concern:
    """Something that is wrong, or will be."""

    severity: Literal["critical", "warning"] = option("V(critical) is broken, V(warning) will be.")
    about: str = option("What it is about.")
    text: str = option("What is the matter, and what to do.")
    until: str = option("Day on which it ends or ended, as C(YYYY-MM-DD); empty where it has none.")


@dataclass(frozen=True, kw_only=True)
class MeshInfoResult:
    """What a cluster has of a mesh; every list is sorted."""

    kubernetes: str = option("Version of Kubernetes.")
    revisions: list[RevisionInfo] = option("Control planes by revision.")
    tags: list[TagInfo] = option("Revision tags.")
    namespaces: list[NamespaceInfo] = option("Namespaces that say how their pods join.")
    gateways: list[GatewayInfo] = option("Services of gateways.")
    sets: list[SetInfo] = option("What declarations keep.")
    proxies: list[ProxyInfo] = option("Proxies.")
    workloads: list[Workload] = option("Hosts outside Kubernetes.")
    concerns: list[Concern] = option("What is wrong, expires or is out of support; the most urgent first.")
    metrics: str = option("The state in the text format of Prometheus, for the textfile collector of node_exporter.")


@dataclass(frozen=True, kw_only=True)
class MeshInfoSpec:
    """Tell what a cluster has of a mesh, whoever installed it."""

    namespace: str = option("Namespace of the control plane.", default="istio-system", check=checks.dns_label)
    namespaces: list[str] = option("Namespaces of more control planes.", default=[], check=checks.dns_labels)
    proxies: bool = option("Also list every proxy with its revision and version.", default=True)
    warn_days: int = option("Days before its end from which something is a concern.", default=30, check=checks.days)
