# SPDX-License-Identifier: Apache-2.0
"""Spec of a workload group: what hosts outside Kubernetes have in common, and how the mesh calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .. import checks
from ..spec import option


@dataclass(frozen=True, kw_only=True)
class HttpProbe:
    """A request that a healthy workload answers with 200 to 399."""

    port: int = option("Port.", check=checks.port)
    path: str = option("Path.", default="/")
    host: str | None = option(
        "Host header, and where the request goes; the host's own address without it.", default=None
    )
    scheme: Literal["HTTP", "HTTPS"] = option("Scheme.", default="HTTP")
    headers: dict[str, str] = option("Headers of the request.", default={})


@dataclass(frozen=True, kw_only=True)
class TcpProbe:
    """A connection that a healthy workload accepts."""

    port: int = option("Port.", check=checks.port)
    host: str | None = option("Where to connect to; the host itself without it.", default=None)


@dataclass(frozen=True, kw_only=True)
class GrpcProbe:
    """The health service of gRPC."""

    port: int = option("Port.", check=checks.port)
    service: str | None = option("Service that is asked about.", default=None)


@dataclass(frozen=True, kw_only=True)
class ExecProbe:
    """A command that ends with 0 on a healthy host; the agent runs it."""

    command: list[str] = option("Command with its arguments.", check=checks.some, example=["/usr/local/bin/healthy"])


@dataclass(frozen=True, kw_only=True)
class WorkloadProbe:
    """How the agent on each host finds out whether the workload is healthy; one of the four ways."""

    http_get: HttpProbe | None = option("By an HTTP request.", default=None)
    tcp_socket: TcpProbe | None = option("By a connection.", default=None)
    grpc: GrpcProbe | None = option("By gRPC.", default=None)
    exec: ExecProbe | None = option("By a command.", default=None)
    initial_delay_seconds: int | None = option("Seconds from the agent's start to the first probe.", default=None)
    period_seconds: int | None = option("Seconds between probes; 10 without it.", default=None, check=checks.positive)
    timeout_seconds: int | None = option("Seconds until a probe has failed; 1 without it.", default=None)
    success_threshold: int | None = option("Successes in a row until healthy; 1 without it.", default=None)
    failure_threshold: int | None = option("Failures in a row until unhealthy; 1 without it.", default=None)


@dataclass(frozen=True, kw_only=True)
class WorkloadPort:
    """A port under which the mesh calls the workload."""

    port: int = option("Port that clients call.", check=checks.port)
    name: str | None = option("Name; made of protocol and port without it.", default=None, check=checks.dns_label)
    target_port: int | None = option(
        "Port on the host; O(service.ports[].port) without it.", default=None, check=checks.port
    )
    protocol: Literal["HTTP", "HTTPS", "HTTP2", "GRPC", "TCP", "TLS", "MONGO", "MYSQL", "REDIS"] = option(
        "What is spoken on it.", default="HTTP"
    )


@dataclass(frozen=True, kw_only=True)
class WorkloadService:
    """A Kubernetes Service of the hosts (and of pods with the same labels)."""

    ports: list[WorkloadPort] = option("Its ports.", check=checks.some, example=[{"port": 8080}])
    name: str | None = option("Its name; the group's without it.", default=None, check=checks.dns_label)


@dataclass(frozen=True, kw_only=True)
class WorkloadServiceEntry:
    """Host names of the mesh that are no Kubernetes Services. Clients resolve them where their proxies capture DNS."""

    hosts: list[str] = option("Host names.", check=checks.host_names, example=["ratings.shop.example.com"])
    ports: list[WorkloadPort] = option("Their ports.", check=checks.some, example=[{"port": 8080}])
    addresses: list[str] = option(
        "Virtual addresses; istiod gives some without them.", default=[], check=checks.addresses
    )


@dataclass(frozen=True, kw_only=True)
class StaticWorkload:
    """A host that runs no agent, or does not register itself."""

    name: str = option("Name of its WorkloadEntry.", check=checks.name)
    address: str = option("Its address: IPv4, IPv6, or a DNS name.", check=checks.address, example="192.0.2.10")
    labels: dict[str, str] = option("Labels beside those of the group.", default={}, check=checks.labels)
    ports: dict[str, int] = option("Ports by name where they differ from the group's.", default={}, check=checks.ports)
    network: str | None = option("Its network where it is not the group's.", default=None, check=checks.label_value)
    locality: str | None = option("Its locality where it is not the group's.", default=None)
    weight: int | None = option("Its share of the load where it is not the group's.", default=None)


@dataclass(frozen=True, kw_only=True)
class WorkloadGroupSpec:
    """Declare hosts outside Kubernetes that run the same workload."""

    name: str = option("Name of the group.", check=checks.dns_label, example="ratings", replaces=True)
    namespace: str = option(
        "Namespace of the group; created when it does not exist.", check=checks.dns_label, example="shop", replaces=True
    )
    service_account: str | None = option(
        "ServiceAccount in O(namespace) whose identity the hosts have. The group's name without it.",
        default=None,
        check=checks.name,
    )
    create_service_account: bool = option(
        "Whether the ServiceAccount is the group's own, and comes and goes with it. Say no when pods have it, too; "
        "V(default) never is.",
        default=True,
    )
    labels: dict[str, str] = option(
        "Labels of the hosts. C(app) is the group's name unless it is among them.", default={}, check=checks.labels
    )
    annotations: dict[str, str] = option(
        "Annotations of the hosts; C(proxy.istio.io/config) changes the configuration of their proxies.", default={}
    )
    selector: dict[str, str] = option(
        "Labels by which O(service) and O(service_entry) find the hosts (and pods); C(app) without it.",
        default={},
        check=checks.labels,
    )
    ports: dict[str, int] = option(
        "Ports by name that the agent captures, and by which a C(targetPort) may go; all ports without any.",
        default={},
        check=checks.ports,
        example={"http": 8080},
    )
    network: str | None = option(
        "Network of the hosts, when they do not reach the pods' addresses. Without it pods take them for the "
        "cluster's, and they take every address for one that they reach.",
        default=None,
        check=checks.label_value,
    )
    locality: str | None = option("Locality as C(region/zone/subzone).", default=None)
    weight: int | None = option("Share of the load of each host.", default=None)
    probe: WorkloadProbe | None = option(
        "How each host finds out whether its workload is healthy; without it a host is healthy while connected.",
        default=None,
    )
    service: WorkloadService | None = option("Kubernetes Service under whose name pods call the hosts.", default=None)
    service_entry: WorkloadServiceEntry | None = option(
        "Host names of the mesh under which the hosts are called.", default=None
    )
    entries: list[StaticWorkload] = option("Hosts without an agent.", default=[])


@dataclass(frozen=True, kw_only=True)
class WorkloadGroupResult:
    """What a group tells."""

    service_account: str = option("ServiceAccount of the hosts.")
    host_names: list[str] = option("Names under which the hosts are called.")
