# SPDX-License-Identifier: Apache-2.0
"""Spec of the definitions of the Gateway API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import checks
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class GatewayApiSpec:
    """Install the definitions of the Gateway API, which Istio's charts do not bring."""

    version: str | None = option(
        "Version of the bundle. Required unless O(source) is set; with it, what the bundle must say of itself.",
        default=None,
        check=checks.version,
        example="1.6.0",
    )
    channel: Literal["standard", "experimental"] = option(
        "Release channel. V(experimental) has more kinds and fields, which may change.", default="standard"
    )
    source: str | None = option(
        "Where the definitions come from: a file, a directory of C(*.yaml) files or a URL; the project's release "
        "of O(version) without it.",
        default=None,
    )
    checksum: str | None = option(
        "SHA-256 of the file, or of all files of the directory one after another; anything else is refused.",
        default=None,
        check=checks.digest,
    )
    namespace: str = option(
        "Existing namespace that keeps the inventory of what was installed.",
        default="kube-system",
        check=checks.dns_label,
        replaces=True,
    )


@dataclass(frozen=True, kw_only=True)
class GatewayApiResult:
    """What the definitions tell."""

    version: str = option("Version of the bundle.")
    checksum: str = option("SHA-256 of what was read, for O(checksum).")
