# SPDX-License-Identifier: Apache-2.0
"""Spec of the control plane: base, cni and ztunnel once per cluster, istiod once per revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .. import checks
from ..sets import DEFAULT_REVISION
from ..spec import option
from .common import Charts, ImagePullPolicy, IpFamily, IpFamilyPolicy

Profile = Literal["default", "minimal", "demo", "ambient", "preview", "remote", "stable"]
Platform = Literal["none", "openshift", "gke", "eks", "aks", "k3s", "k3d", "microk8s", "minikube"]


@dataclass(frozen=True, kw_only=True)
class Images:
    """Full image references, to pin by digest or to take single images from elsewhere."""

    pilot: str | None = option(
        "Image of istiod.", default=None, check=checks.image, example="registry.example.com/pilot@sha256:..."
    )
    proxy: str | None = option("Image of sidecars and gateways.", default=None, check=checks.image)
    cni: str | None = option("Image of the CNI node agent.", default=None, check=checks.image)
    ztunnel: str | None = option("Image of ztunnel.", default=None, check=checks.image)


@dataclass(frozen=True, kw_only=True)
class ControlPlaneResult:
    """What a control plane tells."""

    version: str = option("Its version, which a chart's path may have told.")


@dataclass(frozen=True, kw_only=True)
class ControlPlaneSpec:
    """Install and keep an Istio control plane."""

    version: str | None = option(
        "Istio version, which is the version of the charts. Required unless O(charts.path) is set.",
        default=None,
        check=checks.version,
        example="1.31.0",
    )
    allow_version_jump: bool = option(
        "Replace a revision in place by an older version, or by one that is more than one minor version newer. Istio "
        "supports neither: another revision beside it, to which workloads move, is the way that can be gone back.",
        default=False,
    )
    revision: str = option(
        "Revision of this control plane; several can live side by side.",
        default=DEFAULT_REVISION,
        check=checks.dns_label,
        replaces=True,
    )
    namespace: str = option(
        "Namespace of the control plane.", default="istio-system", check=checks.dns_label, replaces=True
    )
    profile: Profile = option(
        "Built-in choice of values. V(minimal) and V(default) are the same: gateways are declared on their own.",
        default="default",
    )
    platform: Platform = option("Where the cluster runs; sets paths and permissions.", default="none")
    charts: Charts = option("Where the charts come from.", default=Charts)
    hub: str | None = option(
        "Image registry and path.", default=None, check=checks.image, example="registry.istio.io/release"
    )
    tag: str | None = option("Image tag; the charts' own version without it.", default=None, check=checks.image)
    images: Images = option("Full image references that win over O(hub) and O(tag).", default=Images)
    image_pull_policy: ImagePullPolicy | None = option("When nodes pull images.", default=None)
    image_pull_secrets: list[str] = option(
        "Names of pull secrets in O(namespace).", default=[], check=checks.object_names
    )
    cni: bool | None = option(
        "Install the CNI node agent, so that pods need no privileges. Unset, it follows profile and platform, and an "
        "agent that is there stays as long as another revision is; V(false) takes it away.",
        default=None,
    )
    trust_domain: str | None = option("Trust domain of all identities.", default=None, check=checks.dns_subdomain)
    mesh_id: str | None = option("Identifier of the mesh that this cluster is part of.", default=None)
    cluster_name: str | None = option("Name of this cluster in the mesh.", default=None, check=checks.label_value)
    network: str | None = option(
        "Network of this cluster; also labelled on O(namespace).", default=None, check=checks.label_value
    )
    remote_address: str | None = option(
        "Address of the control plane that a V(remote) cluster uses.", default=None, example="192.0.2.10"
    )
    ip_families: list[IpFamily] = option("IP families of istiod's Service, the first being primary.", default=[])
    ip_family_policy: IpFamilyPolicy | None = option("IP family policy of istiod's Service.", default=None)
    mesh_config: dict[str, Any] = option("MeshConfig, merged over the chart's.", default={})
    values: dict[str, Any] = option(
        "Helm values for all charts of the control plane; they win over everything else.", default={}
    )
