# SPDX-License-Identifier: Apache-2.0
"""What the tests of hosts have in common: their declarations, their inventory, and how to look at one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from mesh.apply.readiness import status_of
from mesh.kube.cluster import Cluster
from mesh.model.objects import Ref, ref

from lab import paths
from lab.hosts import control
from lab.sidecar import published
from lab.state import Lab
from lab.versions import ISTIO

#: The cluster that hosts join, and the namespace of the shop in it.
CLUSTER, SPACE = "onprem", "shop"
#: On the cluster's network, and on one of its own.
NEAR, FAR = "vm1", "vm2"
PORT = 9080
VERSION = "host"


def group(name: str, **more: Any) -> dict[str, Any]:
    """A WorkloadGroup of hosts that run the shop's program."""
    labels = {"app": name, "version": VERSION}
    probe = {"http_get": {"port": PORT, "path": "/health"}, "period_seconds": 2}
    return {"name": name, "namespace": SPACE, "labels": labels, "ports": {"http": PORT}, "probe": probe, **more}


def gateway(lab: Lab, name: str, *expose: str) -> dict[str, Any]:
    """An east-west gateway by which hosts reach what it exposes."""
    return {
        "name": name,
        "namespace": "istio-system",
        "type": "eastwest",
        "network": lab.cluster(CLUSTER).network,
        "version": lab.istio_version,
        "charts": {"repository": lab.chart_repository, "plain_http": True},
        "expose": list(expose),
        "replicas": 1,
        "image_pull_policy": "IfNotPresent",
    }


def package(lab: Lab, version: str = ISTIO) -> dict[str, str]:
    """Istio's package as the lab publishes it."""
    url, checksum = published(lab, version)
    return {"url": url, "checksum": f"sha256:{checksum}"}


def write_inventory(path: Path, hosts: Mapping[str, Mapping[str, Any]], **common: Any) -> None:
    """The lab's hosts of these names, each with more variables, and some that all have."""
    known = yaml.safe_load(paths.HOST_INVENTORY.read_text(encoding="utf-8"))["mesh_vms"]["hosts"]
    own = {name: {**known[name], **variables} for name, variables in hosts.items()}
    variables = {"vm_workload_cluster": CLUSTER, "vm_workload_namespace": SPACE, **common}
    path.write_text(json.dumps({"mesh_vms": {"hosts": own, "vars": variables}}), encoding="utf-8")


def told(core: Any) -> dict[str, Any]:
    """Hosts that are connected, by address."""
    found = core(CLUSTER, "workload_info", {}).result["workloads"]
    return {item["address"]: item for item in found if item["connected"]}


def replace_pods(cluster: Cluster, selector: str) -> None:
    """Of the mesh: delete them, and return when others have taken their place."""

    def pods() -> dict[str, bool]:
        found = cluster.list("v1", "Pod", "istio-system", selector)
        told = [{**pod, "apiVersion": "v1", "kind": "Pod"} for pod in found]
        return {ref(pod).name: status_of(pod).ready for pod in told}

    before = pods()
    for name in before:
        cluster.delete(Ref("", "Pod", "istio-system", name))
    await_(lambda: (now := pods()) and all(now.values()) and not now.keys() & before.keys(), 90)


def await_(condition: Callable[[], Any], seconds: float) -> None:
    """Return when a condition holds; it has to before the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert found


def said(name: str, *command: str) -> str:
    """The output of a command in a host, which has to succeed."""
    done = control.execute(name, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def curl(name: str, *arguments: str) -> str:
    """What a host gets by its own means."""
    done = control.execute(name, "curl", "--silent", "--show-error", "--max-time", "10", "--include", *arguments)
    return done.stdout + done.stderr


def snapshot(name: str) -> list[str]:
    """All of a host that joining could touch: files, accounts, rules of netfilter."""
    return said(name, "sh", "-c", _LOOK).splitlines()


#: What package managers and services write for themselves is none of ours.
_LOOK = """
find /etc /usr/local /opt /lib/systemd /usr/lib/systemd /var/lib /var/log/istio /run/secrets /run/meshops \
  \\( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd -o -path /var/lib/private \
     -o -path /var/lib/ucf -o -name '*-' \\) -prune -o -printf '%y %m %u %g %p %l\n' 2>/dev/null | sort
sha256sum /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/hosts /etc/resolv.conf /etc/nsswitch.conf
for program in iptables-legacy ip6tables-legacy iptables-nft ip6tables-nft; do
  for table in nat mangle raw filter; do echo $program $table; $program -w -t $table -S 2>&1 | grep -c -v '^-P'; done
done
dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\n' | grep '^i'
"""
