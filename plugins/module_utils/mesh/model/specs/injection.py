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


@dataclass(frozen=True, kw_only=True)
class InjectionResult:
    """What injection tells."""

    stale: list[str] = option("Pods that still have another revision's proxy, as C(namespace/name).")
