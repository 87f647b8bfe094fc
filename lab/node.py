# SPDX-License-Identifier: Apache-2.0
"""The node of one cluster: containerd, kubelet and kube-proxy in the node's own namespaces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lab import cgroups, imagestore, network, nodefs, versions
from lab.addresses import Addresses
from lab.commands import run, succeeds
from lab.home import Home
from lab.kubeapi import Api
from lab.waiting import wait_for

_SOCKET = "/run/containerd/containerd.sock"

# Without CAP_SYS_RESOURCE the OOM score of a sandbox cannot be lowered, hence restrict_oom_score_adj.
# A missing image fails at once, since the only registry is a closed port.
_CONTAINERD = """version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{pause}"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "{registries}"
# Its socket lies outside a node's own directories: two containerds would be in each other's way.
[plugins."io.containerd.nri.v1.nri"]
disable = true
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  runtime_path = "{shim}"
"""
_NO_REGISTRY = 'server = "http://127.0.0.1:1"\n'


def start_containerd(home: Home, programs: dict[str, Path], addresses: Addresses, store: Path) -> None:
    """The node's file system with the images, its pod network's configuration, and containerd."""
    imagestore.clone(store, home.node / "var/lib/containerd")
    nodefs.start(home)
    _write_json(home.node / "etc/cni/net.d/10-lab.conflist", _pod_network(addresses), only_once=True)
    registries = home.config / "registries"
    _write(registries / "_default" / "hosts.toml", _NO_REGISTRY)
    config = home.config / "containerd.toml"
    shim = programs["containerd-shim-runc-v2"]
    _write(config, _CONTAINERD.format(pause=versions.IMAGE_PAUSE, registries=registries, shim=shim))
    containerd = home.process("containerd")
    containerd.start(home.in_node(programs["containerd"], "--config", config, "--log-level", "warn"))
    wait_for(f"containerd of {home.name}", lambda: _answers(home, programs), [containerd], timeout_seconds=60)


def import_images(home: Home, programs: dict[str, Path], archives: Sequence[Path]) -> None:
    """Import archives that this node has not imported yet."""
    stamp_file = home.root / "images.json"
    known: list[str] = json.loads(stamp_file.read_text(encoding="utf-8")) if stamp_file.exists() else []
    for archive in archives:
        status = archive.stat()
        stamp = f"{archive} {status.st_size} {status.st_mtime_ns}"
        if stamp in known:
            continue
        run(
            home.in_node(programs["ctr"], "-a", _SOCKET, "-n", "k8s.io", "images", "import", archive),
            what=f"importing {archive} into {home.name}",
        )
        known.append(stamp)
        _write(stamp_file, json.dumps(known))


def start_kubelet(home: Home, programs: dict[str, Path], addresses: Addresses) -> None:
    """The kubelet, with all pods under the cluster's own cgroup."""
    cgroups.create(home.unit)
    resolv = home.config / "resolv.conf"
    _write(resolv, "")
    config = home.config / "kubelet.json"
    _write_json(config, _kubelet(home, addresses, resolv))
    home.process("kubelet").start(
        home.in_node(
            programs["kubelet"],
            f"--config={config}",
            f"--kubeconfig={home.pki}/kubelet.kubeconfig",
            f"--hostname-override={home.name}",
            f"--node-ip={addresses.node}",
        )
    )


def start_kube_proxy(home: Home, programs: dict[str, Path], addresses: Addresses) -> None:
    """kube-proxy with the iptables of the cluster's network namespace."""
    config = home.config / "kube-proxy.json"
    proxy = home.process("kube-proxy")
    if _write_json(config, _kube_proxy(home, addresses)):
        # It would end by itself on noticing the change.
        proxy.stop()
    proxy.start(home.in_node(programs["kube-proxy"], f"--config={config}", f"--hostname-override={home.name}"))


def wait_until_ready(home: Home, api: Api) -> None:
    """The node reports Ready."""
    needed = [home.process(name) for name in ("containerd", "kubelet")]
    wait_for(f"node of {home.name}", lambda: is_ready(api, home.name), needed)


def is_ready(api: Api, name: str) -> bool:
    """Whether the node of that name reports Ready."""
    found = api.get(f"/api/v1/nodes/{name}") or {}
    conditions = found.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _answers(home: Home, programs: dict[str, Path]) -> bool:
    socket = home.node / _SOCKET.lstrip("/")
    return socket.exists() and succeeds(home.in_node(programs["ctr"], "-a", _SOCKET, "version"))


def _pod_network(addresses: Addresses) -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": addresses.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "lab", "plugins": [bridge, ports]}


def _kubelet(home: Home, addresses: Addresses, resolv: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{home.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDomain": "cluster.local",
        "clusterDNS": [addresses.dns],
        "resolvConf": str(resolv),
        "containerRuntimeEndpoint": f"unix://{_SOCKET}",
        "tlsCertFile": f"{home.pki}/kubelet.crt",
        "tlsPrivateKeyFile": f"{home.pki}/kubelet.key",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{home.unit}",
        "failCgroupV1": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        # Images cannot be pulled again, and the machine's disk is not this node's to judge.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%"},
        "maxPods": 250,
        "syncFrequency": "10s",
    }


def _kube_proxy(home: Home, addresses: Addresses) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": f"{home.pki}/admin.kubeconfig"},
        "clusterCIDR": addresses.pods,
        # Where bridged answers bypass iptables, only a masqueraded request comes back translated.
        "iptables": {"masqueradeAll": not network.bridged_packets_are_filtered()},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"},
    }


def _write_json(path: Path, value: object, *, only_once: bool = False) -> bool:
    # The CNI configuration is Istio's to extend later, so a second `up` must not put the first one back.
    return not (only_once and path.exists()) and _write(path, json.dumps(value, indent=2))


def _write(path: Path, text: str) -> bool:
    """Write the file if that changes it; returns whether it did."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
