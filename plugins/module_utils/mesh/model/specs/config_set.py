# SPDX-License-Identifier: Apache-2.0
"""Spec of a set of objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import checks
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class ConfigSetSpec:
    """Keep a named set of objects as declared: ordered, owned, and pruned when an object leaves the declaration."""

    name: str = option("Name of the set, unique in the cluster.", check=checks.dns_label, replaces=True)
    namespace: str = option(
        "Namespace of the set's inventory, and of objects that name none. It must exist, or be in the set.",
        check=checks.dns_label,
        replaces=True,
    )
    objects: list[dict[str, Any]] | None = option(
        "The objects, of any kind that the cluster serves. O(state=present) needs some option that gives them; an "
        "empty list empties the set.",
        default=None,
    )
