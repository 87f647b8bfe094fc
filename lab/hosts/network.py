# SPDX-License-Identifier: Apache-2.0
"""A host's network: a namespace with one link to the bridge; the first host also reaches a cluster's pods."""

from __future__ import annotations

from collections.abc import Sequence

from lab import network
from lab.commands import run
from lab.hosts import router
from lab.hosts.home import HostHome
from lab.state import Cluster

_FIRST = 1


def create(home: HostHome) -> None:
    """A new namespace as after switching on; a link that is down stays so, like a cable that is out, and so does a
    router."""
    down, routed = is_unplugged(home), router.is_there(home)
    remove(home)
    network.attach(home, home.link, home.address)
    if routed:
        router.create(home)
    if down:
        set_link(home, up=False)


def remove(home: HostHome) -> None:
    """Undo create, whatever is there of it."""
    router.remove(home)
    network.detach(home, home.link)


def cluster_of(home: HostHome, clusters: Sequence[Cluster]) -> Cluster | None:
    """The cluster on whose network the host is: for the first host the first cluster with a node, for others none."""
    return next((cluster for cluster in clusters if cluster.nodes), None) if shares_cluster(home) else None


def shares_cluster(home: HostHome) -> bool:
    """Whether it is on the network of a cluster as soon as there is one."""
    return home.number == _FIRST


def set_routes(home: HostHome, clusters: Sequence[Cluster]) -> None:
    """The way to the pods of its own cluster, by the node; to all others there is none."""
    ip = ["ip", "-n", home.unit, "route"]
    run([*ip, "flush", "proto", "static"], what=f"removing routes of {home.name}")
    cluster = cluster_of(home, clusters)
    if cluster is not None:
        route = [*ip, "replace", cluster.pod_range, "via", cluster.node_address, "proto", "static"]
        run(route, what=f"routing {home.name} to {cluster.name}")


def set_link(home: HostHome, *, up: bool) -> None:
    """Plug the host's cable in or pull it out."""
    run(["ip", "link", "set", home.link, "up" if up else "down"], what=f"setting the link of {home.name}")


def set_router(home: HostHome, *, between: bool) -> None:
    """Put a router that translates addresses between host and bridge, or take it away, in a host that goes on."""
    if between == router.is_there(home):
        return
    if between:
        router.create(home)
    else:
        router.remove(home)
        network.attach(home, home.link, home.address)


def is_unplugged(home: HostHome) -> bool:
    """Whether its cable is out."""
    return network.link_exists(home.link) and not network.link_is_up(home.link)
