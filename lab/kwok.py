# SPDX-License-Identifier: Apache-2.0
"""Simulated nodes for scale tests: kwok plays the kubelets of nodes that exist only in the API."""

from __future__ import annotations

from pathlib import Path

from lab import node
from lab.gotools import module_source
from lab.home import Home
from lab.kubeapi import Api, Object
from lab.waiting import wait_for

_STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
_MARK = "kwok.x-k8s.io/node"


def start(home: Home, programs: dict[str, Path], api: Api, pods: str, count: int) -> None:
    """Start kwok and create the nodes `kwok-0` to `kwok-<count - 1>`; pods get their addresses out of `pods`."""
    stages = module_source("kwok", "sigs.k8s.io/kwok") / "kustomize" / "stage"
    process = home.process("kwok")
    process.start(
        home.in_network(
            programs["kwok"],
            *(f"--config={path}" for folder in _STAGES for path in sorted((stages / folder).glob("*-*.yaml"))),
            f"--kubeconfig={home.pki}/admin.kubeconfig",
            f"--manage-nodes-with-annotation-selector={_MARK}=fake",
            f"--cidr={pods}",
            "--node-lease-duration-seconds=40",
        )
    )
    for number in range(count):
        api.apply(f"/api/v1/nodes/kwok-{number}", _node(f"kwok-{number}"))
    last = f"kwok-{count - 1}"
    wait_for(f"simulated node {last}", lambda: node.is_ready(api, last), [process])


def _node(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {_MARK: "fake"},
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"},
        },
        "status": {"allocatable": {"cpu": "32", "memory": "256Gi", "pods": "250"}},
    }
