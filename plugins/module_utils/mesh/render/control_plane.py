# SPDX-License-Identifier: Apache-2.0
"""A control plane's spec as chart values: which charts, which profile, which typed field goes where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..model.sets import suffix
from ..model.specs.control_plane import ControlPlaneSpec
from .values import Values, merged, nested, overridden

#: Our profile -> the profile that the charts know, or None (istioctl's default and minimal are the charts' defaults).
_CHART_PROFILE: dict[str, str | None] = {
    "default": None,
    "minimal": None,
    "demo": "demo",
    "ambient": "ambient",
    "preview": "preview",
    "remote": "remote",
    "stable": "stable",
}

#: Platforms that the charts have values for (files/profile-platform-*.yaml).
_CHART_PLATFORMS = frozenset({"gke", "k3d", "k3s", "microk8s", "minikube", "openshift"})

#: What other platforms need on top (istio.io, platform prerequisites).
_PLATFORM_VALUES: dict[str, Values] = {
    # AKS's admission enforcer would add a namespaceSelector of its own and fight over it.
    "aks": {"pilot": {"sidecarInjectorWebhookAnnotations": {"admissions.enforcer/disabled": "true"}}},
}

#: OpenShift lets node agents run privileged in kube-system.
_NODE_NAMESPACE = {"openshift": "kube-system"}

#: Profiles and platforms that come with the CNI node agent.
_WITH_CNI = frozenset({"ambient", "openshift"})


@dataclass(frozen=True)
class Release:
    """One chart to render: ``set`` is the id of the object set it becomes."""

    set: str
    chart: str
    name: str
    namespace: str
    values: Values


def releases(spec: ControlPlaneSpec) -> list[Release]:
    """The charts of a control plane in order of dependence."""
    node_namespace = _NODE_NAMESPACE.get(spec.platform, spec.namespace)
    revision = suffix(spec.revision)
    wanted = [
        Release("base", "base", "istio-base", spec.namespace, values_for("base", spec)),
        Release(f"istiod-{spec.revision}", "istiod", f"istiod{revision}", spec.namespace, values_for("istiod", spec)),
    ]
    if with_cni(spec):
        wanted.append(Release("cni", "cni", "istio-cni", node_namespace, values_for("cni", spec)))
    if with_ztunnel(spec):
        wanted.append(Release("ztunnel", "ztunnel", "ztunnel", node_namespace, values_for("ztunnel", spec)))
    return wanted


def with_cni(spec: ControlPlaneSpec) -> bool:
    """Whether the CNI node agent is part of it."""
    return spec.cni if spec.cni is not None else bool({spec.profile, spec.platform} & _WITH_CNI)


def with_ztunnel(spec: ControlPlaneSpec) -> bool:
    """Whether ztunnel is part of it."""
    return spec.profile == "ambient"


def node_namespace(spec: ControlPlaneSpec) -> str:
    """Where cni and ztunnel run."""
    return _NODE_NAMESPACE.get(spec.platform, spec.namespace)


def values_for(chart: str, spec: ControlPlaneSpec) -> Values:
    """Values of one chart: platform additions < typed fields < the user's values."""
    return merged(_PLATFORM_VALUES.get(spec.platform, {}), typed_values(chart, spec), spec.values)


def typed_values(chart: str, spec: ControlPlaneSpec) -> Values:
    """What the typed fields of the spec say to a chart."""
    return merged(_common(spec), _TYPED[chart](spec))


def warnings(spec: ControlPlaneSpec) -> list[str]:
    """Values that overrule a typed field."""
    typed = merged(*(typed_values(chart, spec) for chart in _TYPED))
    return [f"values.{path} overrules a typed option" for path in sorted(overridden(typed, spec.values))]


def proves_injection(spec: ControlPlaneSpec) -> bool:
    """Whether a sidecar injector of this very cluster answers once everything is ready."""
    return spec.profile != "remote" and not _lookup(spec.values, "global", "operatorManageWebhooks")


def proves_validation(spec: ControlPlaneSpec) -> bool:
    """Whether configuration is validated once everything is ready."""
    return spec.profile != "remote" and _lookup(spec.values, "global", "configValidation") is not False


def _lookup(values: Mapping[str, Any], *path: str) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None  # type: ignore[assignment]
    return values


def _common(spec: ControlPlaneSpec) -> Values:
    platform = spec.platform if spec.platform in _CHART_PLATFORMS else None
    return merged(
        nested("global.istioNamespace", spec.namespace),
        nested("global.profile", _CHART_PROFILE[spec.profile]),
        nested("global.platform", platform),
        nested("global.hub", spec.hub),
        nested("global.tag", spec.tag),
        nested("global.imagePullPolicy", spec.image_pull_policy),
        nested("global.imagePullSecrets", spec.image_pull_secrets),
        nested("global.meshID", spec.mesh_id),
        nested("global.multiCluster.clusterName", spec.cluster_name),
        nested("global.network", spec.network),
    )


def _base(spec: ControlPlaneSpec) -> Values:
    # The validator of objects without a revision belongs to whoever is the default: see the istiod set.
    return {"defaultRevision": spec.revision if spec.revision == "default" else ""}


def _istiod(spec: ControlPlaneSpec) -> Values:
    return merged(
        nested("revision", suffix(spec.revision).removeprefix("-") or None),
        nested("image", spec.images.pilot),
        nested("global.proxy.image", spec.images.proxy),
        nested("global.remotePilotAddress", spec.remote_address),
        nested("ipFamilies", spec.ip_families),
        nested("ipFamilyPolicy", spec.ip_family_policy),
        nested("pilot.cni.enabled", with_cni(spec) or None),
        nested("pilot.trustedZtunnelNamespace", node_namespace(spec) if with_ztunnel(spec) else None),
        nested("meshConfig.trustDomain", spec.trust_domain),
        nested("meshConfig", spec.mesh_config),
    )


def _cni(spec: ControlPlaneSpec) -> Values:
    ambient = {"cni": {"ambient": {"enabled": True}}} if with_ztunnel(spec) else {}
    return merged(nested("image", spec.images.cni), ambient)


def _ztunnel(spec: ControlPlaneSpec) -> Values:
    # The ztunnel chart reads the common settings at its top level.
    return merged(
        nested("revision", suffix(spec.revision).removeprefix("-") or None),
        nested("istioNamespace", spec.namespace),
        nested("hub", spec.hub),
        nested("tag", spec.tag),
        nested("image", spec.images.ztunnel),
        nested("imagePullPolicy", spec.image_pull_policy),
        nested("imagePullSecrets", spec.image_pull_secrets),
        nested("multiCluster.clusterName", spec.cluster_name),
        nested("network", spec.network),
    )


_TYPED = {"base": _base, "istiod": _istiod, "cni": _cni, "ztunnel": _ztunnel}
