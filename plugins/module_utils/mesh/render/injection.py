# SPDX-License-Identifier: Apache-2.0
"""Which labels say how a namespace joins the mesh."""

from __future__ import annotations

from collections.abc import Mapping

from ..model.objects import Object
from ..model.sets import DEFAULT_REVISION
from ..model.specs.injection import InjectionSpec, Mode

#: Every label that decides about injection.
LABELS = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode")


def wanted_labels(spec: InjectionSpec) -> dict[str, str]:
    """The labels of a namespace (istio.io, "Installing the Sidecar" and "Add workloads to the mesh")."""
    if spec.mode == "none":
        return {"istio-injection": "disabled"}
    if spec.mode == "ambient":
        return {"istio.io/dataplane-mode": "ambient"}
    if spec.revision == DEFAULT_REVISION:
        return {"istio-injection": "enabled"}
    return {"istio.io/rev": spec.revision}


def policy(labels: Mapping[str, str]) -> tuple[Mode, str]:
    """Mode and revision that labels stand for: what :func:`wanted_labels` would say, read the other way round."""
    if labels.get("istio-injection") == "enabled":
        return "sidecar", DEFAULT_REVISION
    if labels.get("istio-injection") == "disabled":
        return "none", DEFAULT_REVISION
    if "istio.io/rev" in labels:
        return "sidecar", labels["istio.io/rev"]
    return ("ambient" if labels.get("istio.io/dataplane-mode") == "ambient" else "none"), DEFAULT_REVISION


def namespace(name: str, labels: dict[str, str]) -> Object:
    """A namespace with nothing but these labels."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
