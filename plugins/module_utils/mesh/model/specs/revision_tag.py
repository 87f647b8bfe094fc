# SPDX-License-Identifier: Apache-2.0
"""Spec of a revision tag."""

from __future__ import annotations

from dataclasses import dataclass

from .. import checks
from ..sets import DEFAULT_REVISION
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class RevisionTagSpec:
    """Give a revision a stable name that namespaces can point at."""

    tag: str = option(
        "Name of the tag. V(default) makes the revision answer for C(istio-injection=enabled).",
        check=checks.dns_label,
        replaces=True,
    )
    revision: str = option("Revision that the tag points at.", default=DEFAULT_REVISION, check=checks.dns_label)
    namespace: str = option(
        "Namespace of the control plane.", default="istio-system", check=checks.dns_label, replaces=True
    )
