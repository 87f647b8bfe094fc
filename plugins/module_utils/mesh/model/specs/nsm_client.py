# SPDX-License-Identifier: Apache-2.0
"""Spec of clients of Network Service Mesh: workloads whose pods ask for network services."""

from __future__ import annotations

from dataclasses import dataclass

from .. import checks, nsm, nsm_urls
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class NsmClientSpec:
    """Have the pods of workloads ask for network services of Network Service Mesh."""

    name: str = option("Name of the declaration.", check=checks.dns_label, example="intranet", replaces=True)
    namespace: str = option("Namespace of the workloads.", check=checks.dns_label, example="shop", replaces=True)
    services: list[str] = option(
        "What each pod asks for, as C(mechanism://service@domain/interface?label=value). The mechanism is V(kernel), "
        "V(memif) or V(vfio), and V(kernel) without one; the domain is for services of other clusters; without an "
        "interface it is the first of C(nsm-1), C(nsm-2), ... that is free. The labels, joined by C(&), are what the "
        "service's matches look at. Required with O(state=present).",
        default=[],
        check=nsm_urls.requests,
        example=["kernel://secure-intranet-connectivity/nsm-1"],
    )
    workloads: list[str] = option(
        "The workloads: Deployments, StatefulSets and DaemonSets, by their name, or as C(Kind/name).",
        default=[],
        check=nsm.workloads,
        example=["Deployment/web"],
    )
    selector: dict[str, str] = option(
        "Labels of further workloads (of themselves, not of their pods).", default={}, check=checks.labels
    )


@dataclass(frozen=True, kw_only=True)
class NsmClientResult:
    """What clients tell."""

    clients: dict[str, str] = option("What the pods of each workload ask for, by C(Kind namespace/name).")
