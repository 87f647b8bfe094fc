# SPDX-License-Identifier: Apache-2.0
"""Structs that several specs share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import checks
from ..spec import option

IpFamily = Literal["IPv4", "IPv6"]
IpFamilyPolicy = Literal["SingleStack", "PreferDualStack", "RequireDualStack"]

ImagePullPolicy = Literal["Always", "IfNotPresent", "Never"]

#: Where Istio publishes its charts.
DEFAULT_REPOSITORY = "https://istio-release.storage.googleapis.com/charts"


@dataclass(frozen=True, kw_only=True)
class Charts:
    """Where the charts come from."""

    repository: str = option(
        "Chart repository: V(https://...) for an index, V(oci://...) for a registry; the chart's name is appended.",
        default=DEFAULT_REPOSITORY,
        check=checks.url,
    )
    path: str | None = option(
        "Directory that holds the charts (V(base), V(istiod), V(gateway), V(cni), V(ztunnel), or Istio's own tree); "
        "wins over O(charts.repository).",
        default=None,
    )
    digests: dict[str, str] = option(
        "SHA-256 of the chart archives by chart name; a chart with another digest is refused.",
        default={},
        check=checks.digests,
        example={"istiod": "0f5a..."},
    )
    plain_http: bool = option("Allow a repository without TLS.", default=False)
