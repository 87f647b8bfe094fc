# SPDX-License-Identifier: Apache-2.0
"""The state file `.lab/lab.json`: what runs and how to reach it. Tests read it with `load()`."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import paths, versions
from lab.errors import LabError


@dataclass(frozen=True)
class Cluster:
    """One cluster. With the provider `existing` only name, context and network are known."""

    name: str
    context: str
    """Name of the context in the kubeconfig; the lab's own clusters call it as the cluster."""
    network: str
    """Network name of the mesh; clusters whose pods cannot reach each other have different ones."""
    server: str = ""
    node_address: str = ""
    """The only node, reachable from the host and from the other clusters."""
    pod_range: str = ""
    service_range: str = ""
    load_balancer_pool: str = ""
    """Services of type LoadBalancer get their addresses from here; reachable like the node."""
    nodes: bool = True
    """False: only an API server with its controllers; nothing is ever scheduled."""
    kwok_nodes: int = 0
    number: int = 0
    """The number from which all addresses follow."""


@dataclass(frozen=True)
class Host:
    """One VM or bare-metal host outside of all clusters, with systemd and sshd."""

    name: str
    address: str
    """On the same bridge as nodes and load balancers, which it reaches."""
    cluster: str
    """The cluster whose pods it reaches, and that reach it, without a gateway; empty: it has no way to any pod."""
    network: str
    """Network name of the mesh; that of its cluster, or one of its own."""
    user: str
    """Who is let in, and may become root by sudo without a password."""
    private_key: str
    """File with the key that lets in, the only way."""
    known_hosts: str
    """File with the host's key, for strict checking."""
    port: int = 22
    packages: str = "deb"
    """The kind of its packages, ``deb`` or ``rpm``."""


@dataclass(frozen=True)
class Domain:
    """One domain of Network Service Mesh outside of all clusters, with SPIRE and a control plane."""

    name: str
    address: str
    """On the same bridge as nodes and hosts; its registry, its proxies and its SPIRE server are there."""
    zone: str
    """Its name in DNS: ``service@<this>``."""
    trust_domain: str
    machine: str
    """SPIFFE ID of its machine, the parent of entries for what runs there."""
    zone_file: str
    """What its name server answers for the zone; read again when the serial number has changed."""
    server_socket: str
    """Of the SPIRE server's administrators."""
    agent_socket: str
    """Of the Workload API."""
    manager_socket: str
    """Of the manager, for clients and endpoints."""


@dataclass(frozen=True)
class Lab:
    """The whole lab."""

    provider: str
    kubeconfig: str
    clusters: list[Cluster] = field(default_factory=list)
    istio_version: str = versions.ISTIO
    """Version of the charts and tag of the images."""
    kubernetes_version: str = versions.KUBERNETES
    charts: str = ""
    """Directory with the unpacked charts base, istiod, gateway, cni and ztunnel."""
    gateway_api: str = ""
    """Directory with the definitions of the Gateway API: ``standard-install.yaml``, ``experimental-install.yaml``."""
    chart_repository: str = ""
    """HTTP chart repository with the same charts."""
    oci_charts: str = ""
    """The same charts in an OCI registry (plain HTTP): <this>/<chart>."""
    images: list[str] = field(default_factory=list)
    """Images that every node has; there is no registry to pull others from."""
    istio_values: dict[str, Any] = field(default_factory=dict)
    """Values that istiod's chart needs with the lab's Envoy."""
    cni: dict[str, Any] = field(default_factory=dict)
    """Values of the chart `cni` on the lab's nodes (they equal the chart's defaults)."""
    hosts: list[Host] = field(default_factory=list)
    packages: str = ""
    """Directory with the package ``istio-sidecar`` in two versions, each as deb and rpm, and with archives of the same
    files."""
    package_url: str = ""
    """The same by HTTP, where hosts reach it; also a flat APT repository (``deb [trusted=yes] <this> ./``), and one for
    dnf (``baseurl=<this>``, ``gpgcheck=0``)."""
    domains: list[Domain] = field(default_factory=list)

    def cluster(self, name: str) -> Cluster:
        """The cluster of that name."""
        for cluster in self.clusters:
            if cluster.name == name:
                return cluster
        raise LabError(f"the lab has no cluster {name}; run: python -m lab up --clusters {name}")

    def host(self, name: str) -> Host:
        """The host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(
            f"the lab has no host {name}; run: python -m lab up --clusters --hosts {name.removeprefix('vm')}"
        )

    def domain(self, name: str) -> Domain:
        """The domain of that name."""
        for domain in self.domains:
            if domain.name == name:
                return domain
        count = name.removeprefix("domain")
        raise LabError(f"the lab has no domain {name}; run: python -m lab up --clusters --domains {count}")


def load(path: Path = paths.STATE_FILE) -> Lab:
    """What the last `up` wrote."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LabError(f"no lab is up ({path} is missing); run: python -m lab up") from error
    return from_json(data)


def own(path: Path = paths.STATE_FILE) -> Lab:
    """What the lab has made on this machine by the last `up`; nothing where there was none."""
    nothing = Lab(provider="native", kubeconfig=str(paths.KUBECONFIG))
    try:
        lab = load(path)
    except LabError:
        return nothing
    return lab if lab.provider == nothing.provider else nothing


def from_json(data: dict[str, Any]) -> Lab:
    """The typed form; unknown fields of a newer lab are left out."""
    clusters = [Cluster(**_known(Cluster, entry)) for entry in data.get("clusters", [])]
    hosts = [Host(**_known(Host, entry)) for entry in data.get("hosts", [])]
    domains = [Domain(**_known(Domain, entry)) for entry in data.get("domains", [])]
    return Lab(**{**_known(Lab, data), "clusters": clusters, "hosts": hosts, "domains": domains})


def to_json(lab: Lab) -> str:
    """The text of the file."""
    return json.dumps(dataclasses.asdict(lab), indent=2) + "\n"


def save(lab: Lab, path: Path = paths.STATE_FILE) -> None:
    """Replace the file in one step."""
    write_atomically(path, to_json(lab), 0o644)


def write_atomically(path: Path, text: str, mode: int) -> None:
    """Readers see the old or the new content, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _known(kind: type[Cluster] | type[Host] | type[Domain] | type[Lab], data: dict[str, Any]) -> dict[str, Any]:
    names = {entry.name for entry in dataclasses.fields(kind)}
    return {name: value for name, value in data.items() if name in names}
