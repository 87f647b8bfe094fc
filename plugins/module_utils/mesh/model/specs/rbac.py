# SPDX-License-Identifier: Apache-2.0
"""Spec of the permissions that declarations need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .. import checks
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who is to have the roles."""

    kind: Literal["ServiceAccount", "User", "Group"] = option("What it is.", default="ServiceAccount")
    name: str = option("Its name.", example="automation")
    namespace: str | None = option("Namespace of a service account.", default=None, check=checks.dns_label)


@dataclass(frozen=True, kw_only=True)
class RbacSpec:
    """Derive the least permissions by which declarations can be brought about, kept and taken away."""

    declarations: list[dict[str, Any]] = option(
        "What the account is to run, in this order: each item maps the name of a module, such as V(config_set), to its "
        "options, or to a list of them. Options of connections are left aside.",
        check=checks.some,
    )
    name: str = option("Name of the roles.", default="meshops", check=checks.dns_subdomain)
    subject: Subject | None = option("Whose roles they are. Without it there are no bindings.", default=None)
    removal: bool = option(
        "Also what V(absent) and V(released) need. What they delete is listed first, to keep what holds objects of "
        "others.",
        default=True,
    )


@dataclass(frozen=True, kw_only=True)
class RbacResult:
    """Roles as objects and as text."""

    objects: list[dict[str, Any]] = option(
        "Namespaces that the roles are in, ClusterRoles, Roles, and with O(subject) their bindings."
    )
    yaml: str = option("The same as YAML documents.")
