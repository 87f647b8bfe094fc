# SPDX-License-Identifier: Apache-2.0
"""Who owns an object that we did not make: read from the marks that each tool leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..model.objects import annotations_of, labels_of

PART_OF = "applyset.kubernetes.io/part-of"


@dataclass(frozen=True)
class Owner:
    """Another owner: ``tool`` and ``name`` for people; ``adoptable`` when ``adopt: true`` may take over."""

    tool: str
    name: str = ""
    adoptable: bool = False

    def __str__(self) -> str:
        return f"{self.tool} ({self.name})" if self.name else self.tool


_Mark = Callable[[Mapping[str, Any]], "str | None"]


def _label(key: str, *values: str) -> _Mark:
    def mark(obj: Mapping[str, Any]) -> str | None:
        value = labels_of(obj).get(key)
        return value if not values or value in values else None

    return mark


def _annotation(key: str) -> _Mark:
    return lambda obj: annotations_of(obj).get(key)


def _owner_reference(kinds: frozenset[str]) -> _Mark:
    def mark(obj: Mapping[str, Any]) -> str | None:
        references = obj.get("metadata", {}).get("ownerReferences") or ()
        return next((f"{r['kind']} {r['name']}" for r in references if r["kind"] in kinds), None)

    return mark


def _field_manager(prefixes: tuple[str, ...]) -> _Mark:
    def mark(obj: Mapping[str, Any]) -> str | None:
        entries = obj.get("metadata", {}).get("managedFields") or ()
        return next((entry["manager"] for entry in entries if entry["manager"].startswith(prefixes)), None)

    return mark


def _namespace(*names: str) -> _Mark:
    return lambda obj: next((name for name in names if obj.get("metadata", {}).get("namespace") == name), None)


def _webhook_host(suffix: str) -> _Mark:
    def mark(obj: Mapping[str, Any]) -> str | None:
        urls = (webhook.get("clientConfig", {}).get("url", "") for webhook in obj.get("webhooks") or ())
        hosts = (urlsplit(url).hostname or "" for url in urls)
        return next((host for host in hosts if host.endswith(suffix)), None)

    return mark


_SAIL_KINDS = frozenset({"Istio", "IstioCNI", "IstioRevision", "IstioRevisionTag", "ZTunnel"})

#: (tool, mark, adoptable), the most telling first: what controls is named before what it used, as Flux before Helm.
#: Whoever would put things back at once (an operator, a cloud, a GitOps controller) must let go by itself.
_MARKS: tuple[tuple[str, _Mark, bool], ...] = (
    # istioctl tag set copies all labels of the revision's injector, that of our set too.
    ("istioctl", _field_manager(("istio-ci",)), True),
    ("another ApplySet", _label(PART_OF), False),
    # anthos-service-mesh-packages: the mark by which its own migration leaves Google's webhooks alone; managed control
    # planes are called by URL (istio/istio#39261).
    ("Google Cloud Service Mesh", _label("istio.io/owned-by", "mesh.googleapis.com"), False),
    ("Google Cloud Service Mesh", _webhook_host(".googleapis.com"), False),
    # AKS: FAQ, "Deploy Istio-based service mesh add-on": label of managed components, namespaces of the add-on.
    ("AKS", _label("kubernetes.azure.com/managedby", "aks"), False),
    ("AKS", _namespace("aks-istio-system", "aks-istio-ingress", "aks-istio-egress"), False),
    # kubernetes/cluster/addons/addon-manager: README, "Reconcile" and "EnsureExists" class add-ons.
    ("add-on manager", _label("addonmanager.kubernetes.io/mode", "Reconcile", "EnsureExists"), False),
    # sail-operator, pkg/helm/postrenderer.go: owner reference, or annotation where that cannot be, and label.
    ("Sail operator", _owner_reference(_SAIL_KINDS), False),
    ("Sail operator", _annotation("operator-sdk/primary-resource"), False),
    ("Sail operator", _label("managed-by", "sail-operator"), False),
    ("OLM", _label("olm.owner"), False),
    ("OLM", _label("olm.managed"), False),
    ("Flux", _label("kustomize.toolkit.fluxcd.io/name"), False),
    ("Flux", _label("helm.toolkit.fluxcd.io/name"), False),
    ("Flux", _field_manager(("kustomize-controller", "helm-controller")), False),
    # Argo CD, "Resource Tracking": the annotation by default; with label tracking only the manager tells.
    ("Argo CD", _annotation("argocd.argoproj.io/tracking-id"), False),
    ("Argo CD", _label("argocd.argoproj.io/instance"), False),
    ("Argo CD", _field_manager(("argocd-",)), False),
    ("kapp", _label("kapp.k14s.io/app"), False),
    ("Helm release", _annotation("meta.helm.sh/release-name"), True),
    ("istioctl", _field_manager(("istio-operator",)), True),
    ("Pulumi", _field_manager(("pulumi-kubernetes",)), True),
    ("kubectl", _field_manager(("kubectl",)), True),
)


def owner(obj: Mapping[str, Any]) -> Owner:
    """The owner of an object that carries no label of the set that wants it."""
    for tool, mark, adoptable in _MARKS:
        name = mark(obj)
        if name is not None:
            return Owner(tool, name, adoptable)
    return Owner("somebody else", adoptable=True)
