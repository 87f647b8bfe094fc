# SPDX-License-Identifier: Apache-2.0
"""The lab on this machine: tools, images and charts first, then all clusters and hosts at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path

from lab import (
    addresses,
    charts,
    chartservers,
    cluster,
    definitions,
    gotools,
    images,
    kubeconfig,
    kubectl,
    machine,
    network,
    node,
    packages,
    paths,
    preflight,
    state,
    versions,
)
from lab.addresses import Addresses
from lab.cluster import Images, Plan
from lab.domains import lifecycle as domain_lifecycle
from lab.domains import spire
from lab.domains.home import DomainHome, is_domain
from lab.errors import LabError
from lab.home import Home
from lab.hosts import access, lifecycle, services
from lab.hosts.home import HostHome, is_host
from lab.request import Request
from lab.state import Lab

API_CLUSTER = "api"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")
_RESERVED = {"bin", "charts", "gateway-api", "host-services", "packages", "services", "ssh"}


def build(families: Sequence[str] = (), *, with_images: bool = True) -> dict[str, Path]:
    """Tools and, when nothing particular is asked for, images and charts; links in .lab/bin."""
    if families:
        return gotools.build(list(families))
    packages.ensure()
    programs = gotools.build()
    if with_images:
        images.store(programs)
    charts.install(paths.CHARTS, charts.release(programs))
    definitions.install(paths.DEFINITIONS, definitions.release())
    commands = {name: path for name, path in programs.items() if name not in ("charts", "shop", "pause")}
    gotools.link_into(paths.BIN, {**commands, **kubectl.find()})
    return programs


def up(request: Request) -> Lab:
    """Bring up what is asked for, besides what is up already."""
    plans = _plans(request.clusters, api=request.api, kwok_nodes=request.kwok_nodes)
    wanted = [replace(plan, istiod=request.istiod and plan.kwok_nodes > 0) for plan in plans]
    homes, domain_homes = lifecycle.homes(request.hosts), domain_lifecycle.homes(request.domains)
    lifecycle.check_packages(homes, request.rpm)
    if not wanted and not homes and not domain_homes:
        raise LabError("nothing asked for; name clusters after --clusters, or give --api, --hosts or --domains.")
    new = [plan for plan in wanted if not Home(plan.name).process("kube-apiserver").pid()]
    preflight.check(
        nodes=sum(plan.nodes for plan in new),
        bare=sum(not plan.nodes for plan in new),
        hosts=sum(not home.keeper.pid() for home in homes),
        domains=sum(not home.process(spire.SERVER).pid() for home in domain_homes),
    )
    machine.check_owner()
    work = [
        *(_for_clusters(wanted) if wanted else ()),
        *(_for_hosts(homes, request.rpm) if homes else ()),
        *(_for_domains(domain_homes) if domain_homes else ()),
    ]
    with machine.exclusive():
        machine.check_owner()
        if machine.abandoned():
            _take_down(())
        machine.prepare()
        network.create_bridge()
        _do_all(work)
        return _write_state(wanted, homes, domain_homes)


def _for_clusters(wanted: Sequence[Plan]) -> list[Callable[[], None]]:
    """Build what clusters need; returns what starts them."""
    with_nodes = any(plan.nodes for plan in wanted)
    programs = build(with_images=with_nodes)
    node_images = Images(images.store(programs), images.extra_archives()) if with_nodes else None
    servers = partial(chartservers.start, programs, charts.release(programs))
    return [servers, *(partial(cluster.up, plan, programs, node_images) for plan in wanted)]


def _for_hosts(homes: Sequence[HostHome], rpm: Collection[str]) -> list[Callable[[], None]]:
    """Build what hosts need; returns what starts them."""
    packages.ensure()
    programs = lifecycle.build(rpm=bool(rpm))
    return [partial(lifecycle.up, homes, rpm, programs)]


def _for_domains(homes: Sequence[DomainHome]) -> list[Callable[[], None]]:
    """Build what domains need; returns what starts them."""
    programs = domain_lifecycle.build()
    there = [DomainHome(entry.name) for entry in state.own().domains]
    return [partial(domain_lifecycle.up, homes, there, programs)]


def _do_all(work: Sequence[Callable[[], None]]) -> None:
    pool = ThreadPoolExecutor(len(work))
    running = [pool.submit(part) for part in work]
    try:
        for result in as_completed(running):
            result.result()
    finally:
        # After an error or an interrupt nobody waits for the others.
        pool.shutdown(wait=False, cancel_futures=True)


def down(names: Sequence[str]) -> None:
    """Take clusters, hosts and domains down; with the last one goes everything that is machine-wide."""
    if os.geteuid() != 0:
        raise LabError("the lab removes network namespaces, so it must run as root; run it with sudo.")
    with machine.exclusive():
        machine.check_owner()
        _take_down(names)


def _take_down(names: Sequence[str]) -> None:
    """The named clusters, hosts and domains or all; with the last one goes everything that is machine-wide."""
    lab = state.own()
    clusters = {entry.name: entry for entry in lab.clusters}
    hosts, domains = {entry.name for entry in lab.hosts}, {entry.name for entry in lab.domains}
    for name in names or sorted({*machine.names(), *clusters, *hosts, *domains}):
        if is_host(name):
            lifecycle.down(HostHome(name))
        elif is_domain(name):
            domain_lifecycle.down(DomainHome(name))
        else:
            number = clusters[name].number if name in clusters else _number_of(name)
            cluster.down(name, Addresses(number) if number else None)
        clusters.pop(name, None)
        hosts.discard(name)
        domains.discard(name)
        _save(list(clusters.values()), hosts, domains)
    left = machine.names()
    if not any(map(_is_cluster, left)):
        chartservers.stop()
    if not any(map(is_host, left)):
        services.stop()
    if not left:
        network.remove_bridge()
        machine.restore()
        paths.STATE_FILE.unlink(missing_ok=True)
        paths.KUBECONFIG.unlink(missing_ok=True)


def _is_cluster(name: str) -> bool:
    return not is_host(name) and not is_domain(name)


def load(archives: Sequence[Path]) -> None:
    """Import image archives into every running cluster that has a node."""
    missing = [str(archive) for archive in archives if not archive.is_file()]
    if missing:
        raise LabError(f"no such image archive: {', '.join(missing)}")
    programs = gotools.build(["containerd"])
    targets = [Home(entry.name) for entry in state.load().clusters if entry.nodes]
    absolute = [archive.resolve() for archive in archives]
    with ThreadPoolExecutor(max(1, len(targets))) as pool:
        for result in [pool.submit(node.import_images, home, programs, absolute) for home in targets]:
            result.result()


def _plans(names: Sequence[str], *, api: bool, kwok_nodes: int) -> list[Plan]:
    for name in names:
        if not _NAME.fullmatch(name) or name in _RESERVED or not _is_cluster(name):
            raise LabError(f"cluster name {name!r} cannot be used; take a short one of a-z, 0-9 and dashes.")
    wanted = [name for name in dict.fromkeys(names) if name != API_CLUSTER]
    if api or API_CLUSTER in names or (kwok_nodes and not any(map(addresses.is_bare, wanted))):
        wanted.append(API_CLUSTER)
    numbers = addresses.assign(wanted, {entry.name: entry.number for entry in state.own().clusters})
    return [
        Plan(
            name,
            Addresses(number),
            nodes=not addresses.is_bare(name),
            kwok_nodes=kwok_nodes if addresses.is_bare(name) else 0,
        )
        for name, number in numbers.items()
    ]


def _number_of(name: str) -> int | None:
    """For a cluster that never got into the state file: what its certificates' kubeconfig was written for."""
    try:
        text = (Home(name).pki / "admin.kubeconfig").read_text(encoding="utf-8")
    except OSError:
        return addresses.assign([name], {}).get(name)
    found = re.search(r"https://[\d.]+\.(\d+):", text)
    return int(found.group(1)) if found else None


def _write_state(started: Sequence[Plan], homes: Sequence[HostHome], domains: Sequence[DomainHome]) -> Lab:
    lab = state.own()
    entries = {entry.name: entry for entry in lab.clusters}
    for plan in started:
        before, now = entries.get(plan.name), plan.describe()
        entries[plan.name] = replace(now, kwok_nodes=max(now.kwok_nodes, before.kwok_nodes if before else 0))
    return _save(
        list(entries.values()),
        {*(entry.name for entry in lab.hosts), *(home.name for home in homes)},
        {*(entry.name for entry in lab.domains), *(home.name for home in domains)},
    )


def _save(clusters: list[state.Cluster], host_names: Iterable[str], domain_names: Iterable[str]) -> Lab:
    homes = sorted(map(HostHome, host_names), key=lambda home: home.number)
    domains = sorted(map(DomainHome, domain_names), key=lambda home: home.number)
    lab = Lab(
        provider="native",
        kubeconfig=str(paths.KUBECONFIG),
        clusters=clusters,
        hosts=[access.describe(home, clusters) for home in homes],
        packages=str(paths.PACKAGES) if homes else "",
        package_url=versions.PACKAGES_URL if homes else "",
        charts=str(paths.CHARTS),
        gateway_api=str(paths.DEFINITIONS),
        chart_repository=versions.CHART_REPOSITORY_URL,
        oci_charts=versions.OCI_CHARTS_URL,
        images=list(versions.IMAGES),
        istio_values=dict(versions.ISTIO_VALUES),
        cni=dict(versions.CNI_VALUES),
        domains=[domain_lifecycle.describe(home) for home in domains],
    )
    contexts = {entry.name: Home(entry.name).access(Addresses(entry.number)) for entry in clusters}
    kubeconfig.write(paths.KUBECONFIG, contexts)
    state.save(lab)
    lifecycle.follow(lab)
    domain_lifecycle.follow(lab)
    return lab
