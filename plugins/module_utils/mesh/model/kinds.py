# SPDX-License-Identifier: Apache-2.0
"""Which kinds have no namespace, for who cannot ask a cluster (source: discovery of Kubernetes 1.36; CRDs of Istio 1.31
and of Gateway API 1.5)."""

from __future__ import annotations

from .objects import GroupKind

_CLUSTER_SCOPED: dict[str, tuple[str, ...]] = {
    "": ("Namespace", "Node", "PersistentVolume"),
    "admissionregistration.k8s.io": (
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    ),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
    "apiregistration.k8s.io": ("APIService",),
    "certificates.k8s.io": ("CertificateSigningRequest", "ClusterTrustBundle"),
    "flowcontrol.apiserver.k8s.io": ("FlowSchema", "PriorityLevelConfiguration"),
    "gateway.networking.k8s.io": ("GatewayClass",),
    "internal.apiserver.k8s.io": ("StorageVersion",),
    "networking.k8s.io": ("IPAddress", "IngressClass", "ServiceCIDR"),
    "node.k8s.io": ("RuntimeClass",),
    "rbac.authorization.k8s.io": ("ClusterRole", "ClusterRoleBinding"),
    "resource.k8s.io": ("DeviceClass", "DeviceTaintRule", "ResourceSlice"),
    "scheduling.k8s.io": ("PriorityClass",),
    "storage.k8s.io": ("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"),
    "storagemigration.k8s.io": ("StorageVersionMigration",),
}
CLUSTER_SCOPED = frozenset(GroupKind(group, kind) for group, kinds in _CLUSTER_SCOPED.items() for kind in kinds)

#: Groups of built-in kinds that all have a namespace. Other groups of ``k8s.io`` are those of custom resources.
_NAMESPACED = frozenset({"coordination.k8s.io", "discovery.k8s.io", "events.k8s.io"})


#: A group of the table above whose kinds are defined in the cluster.
_GATEWAY_API = "gateway.networking.k8s.io"


def custom(group: str) -> bool:
    """Whether no kind of a group is built into Kubernetes."""
    return "." in group and (group == _GATEWAY_API or not (group in _CLUSTER_SCOPED or group in _NAMESPACED))


def known(kind: GroupKind) -> bool:
    """Whether the kind is one of Kubernetes or Istio; of others only the cluster knows."""
    built_in = "." not in kind.group or kind.group in _CLUSTER_SCOPED or kind.group in _NAMESPACED
    return built_in or kind.group.endswith(".istio.io")
