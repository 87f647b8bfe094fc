# SPDX-License-Identifier: Apache-2.0
"""Spec of manual injection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import checks
from ..sets import DEFAULT_REVISION
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class KubeInjectSpec:
    """Put the proxy into workloads by hand, as `istioctl kube-inject` does."""

    objects: list[dict[str, Any]] = option(
        "Any objects, Lists too. Those with pods in them come back with the proxy, all others as they are. Secrets are "
        "refused, as the result is shown; they need no proxy.",
        check=checks.shown_objects,
    )
    revision: str = option(
        "Revision or revision tag whose injector is asked.", default=DEFAULT_REVISION, check=checks.dns_label
    )
    namespace: str = option("Namespace that objects without one will be in.", default="default", check=checks.dns_label)
    templates: list[str] = option(
        "Names of injection templates to use instead of the revision's defaults, such as V(grpc-agent); each is merged "
        "over those before it. A pod that names its own (annotation C(inject.istio.io/templates)) keeps them.",
        default=[],
        check=checks.template_names,
    )


@dataclass(frozen=True, kw_only=True)
class KubeInjectResult:
    """Objects with the proxy in them."""

    objects: list[dict[str, Any]] = option("The objects, in the order of O(objects).")
    yaml: str = option("The same as YAML documents.")
    injected: list[str] = option("Objects that got the proxy, as C(Kind namespace/name).")
    skipped: dict[str, str] = option("Objects with pods that did not get it, with the reason.")
