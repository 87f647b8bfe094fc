# SPDX-License-Identifier: Apache-2.0
"""Names of sets and field managers: they come from the spec alone, so that both fronts find each other's work."""

from __future__ import annotations

import base64
import hashlib

DEFAULT_REVISION = "default"


#: How all our field managers begin.
MANAGER = "meshops/"
#: Characters that a field manager may have (Kubernetes: fieldManager validation).
_LONGEST_MANAGER = 128


def manager(operation: str, *names: str) -> str:
    """The field manager of an operation, or of one set of it: ``meshops/config_set/shop/traffic``. Two sets never share
    one, or each would take away the fields that the other set on an object of somebody else."""
    full = f"{MANAGER}{'/'.join((operation, *names))}"
    if len(full) <= _LONGEST_MANAGER:
        return full
    digest = hashlib.sha256(full.encode()).hexdigest()[:16]
    return f"{full[: _LONGEST_MANAGER - len(digest) - 1]}-{digest}"


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
