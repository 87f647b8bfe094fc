# SPDX-License-Identifier: Apache-2.0
"""Spec of the state query."""

from __future__ import annotations

from dataclasses import dataclass

from .. import checks
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class MeshInfoSpec:
    """Tell what a cluster has of a mesh, whoever installed it."""

    namespace: str = option("Namespace of the control plane.", default="istio-system", check=checks.dns_label)
    proxies: bool = option("Also list every proxy with its revision and version.", default=True)
