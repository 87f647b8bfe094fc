# SPDX-License-Identifier: Apache-2.0
"""Spec of the query that proves a mesh."""

from __future__ import annotations

from dataclasses import dataclass

from .. import checks
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class MeshVerifySpec:
    """Prove that a mesh works, whoever installed it: look at every hop, and try it out where that leaves no trace."""

    namespace: str = option("Namespace of the control plane.", default="istio-system", check=checks.dns_label)
    namespaces: list[str] = option("Namespaces of more control planes.", default=[], check=checks.dns_labels)
    revisions: list[str] = option(
        "Revisions that must be there; without it, those that are there.", default=[], check=checks.dns_labels
    )
    gateways: list[str] = option(
        "Gateways that must be there, by their Services as C(namespace/name). A name alone is one in any namespace.",
        default=[],
        check=checks.placed_names,
    )
    workload_groups: list[str] = option(
        "WorkloadGroups of which at least one host must be connected, as C(namespace/name). A name alone is one in any "
        "namespace.",
        default=[],
        check=checks.placed_names,
    )
    plain_text: bool = option(
        "Whether a pod in each namespace that requires mTLS is called in plain text, by the API server, which is no "
        "member of the mesh (C(get) on C(pods/proxy)).",
        default=True,
    )


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One thing that was looked at or tried."""

    hop: str = option(
        "C(control-plane), C(injection), C(validation), C(tag), C(proxies), C(workloads), C(gateway) or C(mtls), in "
        "this order."
    )
    about: str = option("What was looked at.")
    passed: bool = option("Whether it is as it should be.")
    text: str = option("What was found.")


@dataclass(frozen=True, kw_only=True)
class MeshVerifyResult:
    """What was found."""

    healthy: bool = option("Whether everything passed.")
    broken: str = option("The first hop that did not pass, and why; empty when there is none.")
    evidence: list[Evidence] = option("Everything that was looked at, in the order of the way that a request takes.")
