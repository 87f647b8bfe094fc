# SPDX-License-Identifier: Apache-2.0
"""Spec of what a host outside Kubernetes needs to join the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import checks
from ..sets import DEFAULT_REVISION
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class VmPackage:
    """Istio's package C(istio-sidecar)."""

    url: str = option("Where the machine fetches the deb or rpm.", check=checks.url)
    sha256: str = option("Its SHA-256 digest.", check=checks.digest)


@dataclass(frozen=True, kw_only=True)
class VmBootstrapSpec:
    """Tell what a host outside Kubernetes needs to join the mesh: its files, and a token."""

    group: str = option("WorkloadGroup that the host joins.", check=checks.dns_subdomain, example="ratings")
    namespace: str = option("Namespace of the group.", check=checks.dns_label, example="shop")
    revision: str = option(
        "Revision or revision tag that serves the host.", default=DEFAULT_REVISION, check=checks.dns_label
    )
    control_plane_namespace: str | None = option(
        "Namespace of that control plane; found by its injector without it.", default=None, check=checks.dns_label
    )
    cluster_id: str | None = option(
        "Name of the cluster in the mesh; what the control plane injects into pods without it.",
        default=None,
        check=checks.label_value,
    )
    internal_address: str | None = option(
        "Address of the host by which pods reach it; its first one without it.", default=None, check=checks.ip_address
    )
    external_address: str | None = option(
        "Address by which pods reach a host that has it not itself (behind NAT), instead of O(internal_address); "
        "probes then go to localhost.",
        default=None,
        check=checks.ip_address,
    )
    gateway: str | None = option(
        "Service, as C(namespace/name), by whose address the host reaches istiod on port 15012. Without it, one that "
        "has that port and an address; C(istio-eastwestgateway) first.",
        default=None,
        check=checks.placed_name,
    )
    gateway_address: str | None = option(
        "Address at which the host reaches istiod on port 15012, an IP address or a DNS name; instead of O(gateway).",
        default=None,
        check=checks.address,
    )
    capture_dns: bool = option(
        "Whether the agent answers the host's DNS requests, for names of the mesh.", default=True
    )
    auto_register: bool = option("Whether istiod makes a WorkloadEntry when the host connects.", default=True)
    exclude_inbound_ports: list[int] = option(
        "Ports that are never captured, beside 22 and those of the agent. The role adds every port that sshd listens "
        "on.",
        default=[],
        check=checks.port_list,
        example=[2222],
    )
    environment: dict[str, str] = option(
        "More variables of C(cluster.env), which a shell on the host reads; they win over all others.", default={}
    )
    issue_token: bool = option(
        "Whether to issue a token. It is needed until the host has a certificate, and when that has expired.",
        default=True,
    )
    certificate: str | None = option(
        "The certificate chain that the host has, as PEM. While it is good for this identity and root, and its life is "
        "not as good as over, no token is issued.",
        default=None,
    )
    token_seconds: int = option(
        "Seconds for which the token is good; API servers give 600 at least.", default=3600, check=checks.token_seconds
    )
    package: VmPackage | None = option(
        "What a new machine installs at its first boot; with it RV(user_data) is made for cloud-init.", default=None
    )


@dataclass(frozen=True, kw_only=True)
class VmBootstrapResult:
    """What a host needs, and what it joins."""

    files: dict[str, Any] = option(
        "Content by name: C(cluster.env), C(mesh.yaml), C(root-cert.pem), C(hosts), and C(istio-token) where one was "
        "issued.",
        secret=True,
    )
    user_data: str = option(
        "For a new machine: what cloud-init joins it by at its first boot, token included; empty without O(package).",
        secret=True,
    )
    token_needed: bool = option("Whether the host has no good certificate.")
    token_reason: str = option("Why it needs a token; empty where it does not.")
    token_expires: str = option("When the issued token expires (RFC 3339); empty without one.")
    istiod: dict[str, Any] = option("C(name), C(port) and C(addresses) under which the host reaches istiod.")
    identity: str = option("SPIFFE identity of the host.")
    service_account: str = option("Its ServiceAccount.")
    trust_domain: str = option("Trust domain of the mesh.")
    revision: str = option("Revision that serves the host.")
    cluster: str = option("Name of the cluster in the mesh.")
    network: str = option("Network of the host.")
    notes: list[str] = option("What is worth knowing, such as a gateway whose address may change.")
