# SPDX-License-Identifier: Apache-2.0
"""Spec of a gateway, as the chart makes it or as a resource of the Gateway API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .. import checks
from ..sets import DEFAULT_REVISION
from ..spec import option
from .common import Charts, ImagePullPolicy, IpFamily, IpFamilyPolicy


@dataclass(frozen=True, kw_only=True)
class GatewayPort:
    """One port of the gateway's Service."""

    name: str = option("Name of the port.", example="https")
    port: int = option("Port of the Service.", check=checks.positive)
    target_port: int | None = option("Port of the pod; O(ports[].port) without it.", default=None)
    node_port: int | None = option("Fixed node port.", default=None)
    protocol: Literal["TCP", "UDP"] = option("Protocol.", default="TCP")


@dataclass(frozen=True, kw_only=True)
class GatewayListener:
    """One listener of a Gateway of the Gateway API."""

    name: str = option("Name of the listener, to which routes can be bound.", example="https")
    port: int = option("Port.", check=checks.positive)
    protocol: Literal["HTTP", "HTTPS", "TLS", "TCP"] = option("Protocol.", default="HTTP")
    hostname: str | None = option(
        "Host name that it answers to, such as C(*.example.com); any without it.", default=None
    )
    tls_mode: Literal["Terminate", "Passthrough"] | None = option("Where TLS ends.", default=None)
    certificates: list[str] = option(
        "TLS Secrets in the gateway's namespace, or C(namespace/name) where a ReferenceGrant allows it.", default=[]
    )
    routes_from: Literal["Same", "All"] = option(
        "Whose routes may be bound to it: those of the gateway's namespace, or of all.", default="Same"
    )
    node_port: int | None = option("Fixed node port.", default=None)


@dataclass(frozen=True, kw_only=True)
class TlsSecret:
    """A TLS Secret in the gateway's namespace."""

    name: str = option("Name of the Secret, for C(credentialName) or O(listeners[].certificates).", check=checks.name)
    certificate: str = option(
        "Certificate as PEM, with all intermediates after it.", check=checks.certificate, example="-----BEGIN ..."
    )
    key: str = option("Private key as PEM.", secret=True, check=checks.private_key)
    ca: str | None = option(
        "Certificates as PEM by which clients are known (mutual TLS).", default=None, check=checks.certificate
    )


@dataclass(frozen=True, kw_only=True)
class GatewaySpec:
    """Run a gateway: proxies at the edge of the mesh, with a Service in front."""

    name: str = option("Name of the gateway.", check=checks.dns_label, replaces=True)
    namespace: str = option(
        "Namespace of the gateway; created when it does not exist.",
        default="istio-ingress",
        check=checks.dns_label,
        replaces=True,
    )
    type: Literal["ingress", "egress", "eastwest"] = option(
        "V(eastwest) joins networks and needs O(network); V(egress) has a ClusterIP Service unless told otherwise.",
        default="ingress",
    )
    form: Literal["chart", "gateway_api"] = option(
        "V(chart) runs the proxies by Istio's gateway chart. V(gateway_api) declares a Gateway of the Gateway API, and "
        "istiod runs them; it needs the definitions (M(meshops.mesh.gateway_api)) and O(listeners); a gateway of "
        "O(type=eastwest) is then one between ambient networks.",
        default="chart",
    )
    listeners: list[GatewayListener] = option(
        "Listeners, with O(form=gateway_api); a gateway of O(type=eastwest) has its own.", default=[]
    )
    version: str | None = option(
        "Version of the chart. Required with O(form=chart), unless O(charts.path) is set.",
        default=None,
        check=checks.version,
        example="1.31.0",
    )
    revision: str = option("Revision or revision tag of the proxies.", default=DEFAULT_REVISION, check=checks.dns_label)
    charts: Charts = option("Where the chart comes from.", default=Charts)
    labels: dict[str, str] = option(
        "Labels of the pods beside C(istio=<name>), for selectors of Gateway objects.", default={}
    )
    network: str | None = option("Network that an V(eastwest) gateway serves.", default=None, check=checks.label_value)
    expose: list[Literal["istiod", "services"]] = option(
        "What it lets in, with O(form=chart). V(istiod): hosts outside Kubernetes and remote clusters reach every "
        "control plane that is there when this is applied, on ports 15012 and 15017. V(services): other networks reach "
        "the Services of this one by mutual TLS, on port 15443; it needs O(network).",
        default=[],
        example=["istiod", "services"],
    )
    service_type: Literal["LoadBalancer", "NodePort", "ClusterIP", "None"] | None = option(
        "Type of the Service; V(None) makes no Service.", default=None
    )
    service_annotations: dict[str, str] = option("Annotations of the Service, for the cloud's controller.", default={})
    ports: list[GatewayPort] = option("Ports of the Service; the chart's own without it.", default=[])
    tls_secrets: list[TlsSecret] = option("TLS Secrets that are kept with the gateway.", default=[])
    replicas: int | None = option("Fixed number of pods; switches autoscaling off.", default=None)
    min_replicas: int | None = option("Least number of pods under autoscaling.", default=None)
    max_replicas: int | None = option("Greatest number of pods under autoscaling.", default=None)
    ip_families: list[IpFamily] = option("IP families of the Service, the first being primary.", default=[])
    ip_family_policy: IpFamilyPolicy | None = option("IP family policy of the Service.", default=None)
    image_pull_policy: ImagePullPolicy | None = option(
        "When nodes pull the proxy's image. Unset, Kubernetes pulls at every start, because the chart names no tag.",
        default=None,
    )
    image_pull_secrets: list[str] = option(
        "Names of pull secrets in O(namespace).", default=[], check=checks.object_names
    )
    values: dict[str, Any] = option("Helm values; they win over everything else.", default={})


@dataclass(frozen=True, kw_only=True)
class GatewayResult:
    """What a gateway tells."""

    addresses: list[str] = option("Where it is reached: addresses and host names.")
