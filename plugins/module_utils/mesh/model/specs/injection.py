# SPDX-License-Identifier: Apache-2.0
"""Spec of the injection policy of namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import checks
from ..sets import DEFAULT_REVISION
from ..spec import option

Mode = Literal["sidecar", "ambient", "none"]


@dataclass(frozen=True, kw_only=True)
class InjectionSpec:
    """Say how the pods of namespaces join the mesh."""

    namespaces: list[str] = option(
        "Namespaces; one that does not exist is created.", check=checks.some_dns_labels, example=["shop"]
    )
    mode: Mode = option(
        "V(sidecar) injects a proxy into new pods, V(ambient) redirects through ztunnel, V(none) keeps pods out.",
        default="sidecar",
    )
    revision: str = option("Revision or revision tag that injects.", default=DEFAULT_REVISION, check=checks.dns_label)
    restart: bool = option(
        "Restart the Deployments, StatefulSets and DaemonSets of which a new pod would get another proxy (revision or "
        "image) than its running ones have, or would lose or get one: as C(kubectl rollout restart), a few at a time, "
        "each when those before it are ready, and never more pods than every PodDisruptionBudget allows. Waits for "
        "each of them, whatever O(wait) says, O(wait_timeout) at most for those that restart together. "
        "O(state=absent) restarts those that still have a proxy.",
        default=False,
    )
    restart_at_once: int = option("Workloads that restart at the same time, at most.", default=5, check=checks.positive)


@dataclass(frozen=True, kw_only=True)
class InjectionResult:
    """What injection tells."""

    stale: list[str] = option(
        "Pods that still have another revision's proxy, or one of another version than its control plane, as "
        "C(namespace/name)."
    )
