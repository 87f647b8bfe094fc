# SPDX-License-Identifier: Apache-2.0
"""What `up` is asked for, by whatever provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """Names of clusters, and numbers of what is numbered."""

    clusters: Sequence[str]
    api: bool = False
    kwok_nodes: int = 0
    istiod: bool = False
    hosts: int = 0
    rpm: Sequence[str] = ()
    """Names of those hosts that take their packages as rpm."""
    domains: int = 0
