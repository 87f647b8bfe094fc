# SPDX-License-Identifier: Apache-2.0
"""One cluster up and down, step by step; every step may be repeated, and down needs none to have been finished."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab import addons, cgroups, controlplane, istiod, kwok, leftovers, loadbalancer, network, node, paths
from lab.addresses import Addresses
from lab.home import Home
from lab.kubeapi import Api
from lab.progress import Progress
from lab.state import Cluster

_NODE_STEPS, _API_STEPS = 6, 3


@dataclass(frozen=True)
class Images:
    """What a node starts with: the lab's image store, and archives to import besides."""

    store: Path
    archives: Sequence[Path] = ()


@dataclass(frozen=True)
class Plan:
    """What a cluster is to be."""

    name: str
    addresses: Addresses
    nodes: bool = True
    kwok_nodes: int = 0
    istiod: bool = False

    def describe(self) -> Cluster:
        """Its entry in the state file."""
        at = self.addresses
        return Cluster(
            name=self.name,
            context=self.name,
            network=f"{self.name}-net",
            server=at.server,
            node_address=at.node,
            pod_range=at.pods,
            service_range=at.services,
            load_balancer_pool=at.load_balancers if self.nodes else "",
            nodes=self.nodes,
            kwok_nodes=self.kwok_nodes,
            number=at.number,
        )


def up(plan: Plan, programs: dict[str, Path], images: Images | None) -> None:
    """Bring one cluster up: to a ready API server without images, to a ready node and working DNS with them."""
    home, addresses = Home(plan.name), plan.addresses
    progress = Progress(plan.name, _NODE_STEPS if plan.nodes else _API_STEPS)
    home.run.mkdir(parents=True, exist_ok=True)
    controlplane.write_credentials(home, addresses)
    network.create_namespace(home, addresses)
    progress.step("network and certificates")
    controlplane.start_api_server(home, programs, addresses, kube_proxy=plan.nodes)
    api = Api(home.access(addresses))
    if not plan.nodes or images is None:
        _up_without_node(plan, home, programs, api, progress)
        return
    with ThreadPoolExecutor(1) as background:
        imported = background.submit(_start_runtime, home, programs, addresses, images)
        controlplane.wait_until_ready(home, api)
        progress.step("API server")
        controlplane.start_controllers(home, programs, scheduler=True)
        loadbalancer.start(home, addresses.load_balancers, paths.CHECKOUT)
        addons.apply_coredns(home, api, addresses)
        progress.step("controllers, scheduler, load balancer")
        imported.result()
    progress.step("containerd and images")
    node.start_kube_proxy(home, programs, addresses)
    node.start_kubelet(home, programs, addresses)
    node.wait_until_ready(home, api)
    progress.step("node ready")
    addons.wait_for_coredns(home, api)
    progress.step("DNS")


def _up_without_node(plan: Plan, home: Home, programs: dict[str, Path], api: Api, progress: Progress) -> None:
    controlplane.wait_until_ready(home, api)
    progress.step("API server")
    controlplane.start_controllers(home, programs, scheduler=plan.kwok_nodes > 0)
    if plan.kwok_nodes:
        kwok.start(home, programs, api, plan.addresses.pods, plan.kwok_nodes)
    if plan.istiod:
        istiod.start(home, programs, plan.addresses, paths.CHECKOUT)
    progress.step(f"controllers, {plan.kwok_nodes} simulated nodes")


def _start_runtime(home: Home, programs: dict[str, Path], addresses: Addresses, images: Images) -> None:
    node.start_containerd(home, programs, addresses, images.store)
    node.import_images(home, programs, images.archives)


def down(name: str, addresses: Addresses | None) -> None:
    """End every process of the cluster and remove all it left; nothing of its data is kept."""
    home = Home(name)
    leftovers.end_processes(home)
    cgroups.remove(home.unit)
    network.remove_namespace(home, addresses)
    leftovers.remove_files(home)
