# SPDX-License-Identifier: Apache-2.0
"""Names of sets and field managers: they come from the spec alone, so that both fronts find each other's work."""

from __future__ import annotations

import base64
import hashlib

DEFAULT_REVISION = "default"


def manager(operation: str, set_id: str = "") -> str:
    """The field manager of an operation, or of one set of it: ``meshops/config_set/shop``."""
    return f"meshops/{operation}/{set_id}" if set_id else f"meshops/{operation}"


def parent_name(set_id: str) -> str:
    """The ConfigMap that is the inventory of a set."""
    return f"meshops-{set_id}"


def applyset_id(set_id: str, namespace: str) -> str:
    """The ApplySet id of a set, as released kubectl computes it from the parent (KEP-3659)."""
    identity = f"{parent_name(set_id)}.{namespace}.ConfigMap."
    digest = base64.urlsafe_b64encode(hashlib.sha256(identity.encode()).digest()).decode().rstrip("=")
    return f"applyset-{digest}-v1"


def suffix(revision: str) -> str:
    """How Istio appends a revision to names: nothing for the default one."""
    return "" if revision in ("", DEFAULT_REVISION) else f"-{revision}"
