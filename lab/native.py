# SPDX-License-Identifier: Apache-2.0
"""The lab on this machine: tools, images and charts first, then all clusters at once."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
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
from lab.errors import LabError
from lab.home import Home
from lab.state import Lab

API_CLUSTER = "api"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")
_RESERVED = {"bin", "charts", "gateway-api", "services"}


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


def up(names: Sequence[str], *, api: bool, kwok_nodes: int, istiod: bool = False) -> Lab:
    """Bring the named clusters up, besides those that are up already."""
    wanted = [
        replace(plan, istiod=istiod and plan.kwok_nodes > 0) for plan in _plans(names, api=api, kwok_nodes=kwok_nodes)
    ]
    new = [plan for plan in wanted if not Home(plan.name).process("kube-apiserver").pid()]
    preflight.check(nodes=sum(plan.nodes for plan in new), bare=sum(not plan.nodes for plan in new))
    machine.check_owner()
    with_nodes = any(plan.nodes for plan in wanted)
    programs = build(with_images=with_nodes)
    node_images = Images(images.store(programs), images.extra_archives()) if with_nodes else None
    release = charts.release(programs)
    with machine.exclusive():
        machine.check_owner()
        if machine.abandoned():
            _take_down(())
        machine.prepare()
        network.create_bridge()
        _start_all(wanted, programs, node_images, release)
        return _write_state(wanted)


def _start_all(plans: Sequence[Plan], programs: dict[str, Path], node_images: Images | None, release: Path) -> None:
    pool = ThreadPoolExecutor(len(plans) + 1)
    work = [pool.submit(chartservers.start, programs, release)]
    work += [pool.submit(cluster.up, plan, programs, node_images) for plan in plans]
    try:
        for result in as_completed(work):
            result.result()
    finally:
        # After an error or an interrupt nobody waits for the other clusters.
        pool.shutdown(wait=False, cancel_futures=True)


def down(names: Sequence[str]) -> None:
    """Take clusters down; with the last one goes everything that is machine-wide."""
    if os.geteuid() != 0:
        raise LabError("the lab removes network namespaces, so it must run as root; run it with sudo.")
    with machine.exclusive():
        machine.check_owner()
        _take_down(names)


def _take_down(names: Sequence[str]) -> None:
    """The named clusters or all; with the last one goes everything that is machine-wide."""
    known = {entry.name: entry for entry in _known_clusters()}
    for name in names or sorted({*machine.cluster_names(), *known}):
        number = known[name].number if name in known else _number_of(name)
        cluster.down(name, Addresses(number) if number else None)
        known.pop(name, None)
        _save(list(known.values()))
    if not machine.cluster_names():
        chartservers.stop()
        network.remove_bridge()
        machine.restore()
        paths.STATE_FILE.unlink(missing_ok=True)
        paths.KUBECONFIG.unlink(missing_ok=True)


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
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise LabError(f"cluster name {name!r} cannot be used; take a short one of a-z, 0-9 and dashes.")
    wanted = [name for name in dict.fromkeys(names) if name != API_CLUSTER]
    if api or API_CLUSTER in names or (kwok_nodes and not any(map(addresses.is_bare, wanted))):
        wanted.append(API_CLUSTER)
    if not wanted:
        raise LabError("no cluster asked for; name some after --clusters, or give --api.")
    numbers = addresses.assign(wanted, {entry.name: entry.number for entry in _known_clusters()})
    return [
        Plan(
            name,
            Addresses(number),
            nodes=not addresses.is_bare(name),
            kwok_nodes=kwok_nodes if addresses.is_bare(name) else 0,
        )
        for name, number in numbers.items()
    ]


def _known_clusters() -> list[state.Cluster]:
    try:
        lab = state.load()
    except LabError:
        return []
    return lab.clusters if lab.provider == "native" else []


def _number_of(name: str) -> int | None:
    """For a cluster that never got into the state file: what its certificates' kubeconfig was written for."""
    try:
        text = (Home(name).pki / "admin.kubeconfig").read_text(encoding="utf-8")
    except OSError:
        return addresses.assign([name], {}).get(name)
    found = re.search(r"https://[\d.]+\.(\d+):", text)
    return int(found.group(1)) if found else None


def _write_state(started: Sequence[Plan]) -> Lab:
    entries = {entry.name: entry for entry in _known_clusters()}
    for plan in started:
        before, now = entries.get(plan.name), plan.describe()
        entries[plan.name] = replace(now, kwok_nodes=max(now.kwok_nodes, before.kwok_nodes if before else 0))
    return _save(list(entries.values()))


def _save(clusters: list[state.Cluster]) -> Lab:
    lab = Lab(
        provider="native",
        kubeconfig=str(paths.KUBECONFIG),
        clusters=clusters,
        charts=str(paths.CHARTS),
        gateway_api=str(paths.DEFINITIONS),
        chart_repository=versions.CHART_REPOSITORY_URL,
        oci_charts=versions.OCI_CHARTS_URL,
        images=list(versions.IMAGES),
        istio_values=dict(versions.ISTIO_VALUES),
        cni=dict(versions.CNI_VALUES),
    )
    contexts = {entry.name: Home(entry.name).access(Addresses(entry.number)) for entry in clusters}
    kubeconfig.write(paths.KUBECONFIG, contexts)
    state.save(lab)
    return lab
