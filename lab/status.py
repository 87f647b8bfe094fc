# SPDX-License-Identifier: Apache-2.0
"""What is up: clusters, hosts, domains, addresses, processes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lab import chartservers, state
from lab.errors import LabError
from lab.home import Home
from lab.hosts import network, services
from lab.hosts.home import HostHome


def collect() -> dict[str, Any]:
    """All of the state file, and the pids of the processes of clusters and domains; null for one that does not run."""
    try:
        lab = state.load()
    except LabError:
        return {"provider": None, "clusters": [], "hosts": [], "domains": [], "servers": {}}
    clusters = [{**asdict(entry), "processes": _processes(Home(entry.name))} for entry in lab.clusters]
    hosts = [{**asdict(entry), "power": _power(HostHome(entry.name))} for entry in lab.hosts]
    domains = [{**asdict(entry), "processes": _processes(Home(entry.name))} for entry in lab.domains]
    servers = (chartservers.processes() if clusters else []) + (services.processes() if hosts else [])
    running = {process.name: process.pid() for process in servers}
    return {
        "provider": lab.provider,
        "clusters": clusters,
        "hosts": hosts,
        "domains": domains,
        "servers": running,
    }


def as_json() -> str:
    """For programs."""
    return json.dumps(collect(), indent=2)


def as_table() -> str:
    """For people."""
    found = collect()
    if not any(found[kind] for kind in ("clusters", "hosts", "domains")):
        return "nothing is up; run: python -m lab up"
    clusters = [
        (
            entry["name"],
            entry["server"],
            entry["pod_range"],
            entry["load_balancer_pool"],
            _summary(entry["processes"]),
        )
        for entry in found["clusters"]
    ]
    keys = ("name", "address", "network", "packages", "power")
    hosts = [tuple(entry[key] for key in keys) for entry in found["hosts"]]
    domains = [
        (entry["name"], entry["address"], entry["zone"], entry["trust_domain"], _summary(entry["processes"]))
        for entry in found["domains"]
    ]
    lines = [
        *_columns(("CLUSTER", "SERVER", "PODS", "LOAD BALANCERS", "PROCESSES"), clusters),
        *_columns(("HOST", "ADDRESS", "NETWORK", "PACKAGES", "POWER"), hosts),
        *_columns(("DOMAIN", "ADDRESS", "ZONE", "TRUST DOMAIN", "PROCESSES"), domains),
    ]
    lines += [f"{name}: {'pid ' + str(pid) if pid else 'NOT RUNNING'}" for name, pid in found["servers"].items()]
    return "\n".join(lines)


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table; none without rows."""
    if not rows:
        return []
    table = [heads, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def _power(home: HostHome) -> str:
    if home.keeper.pid() is None:
        return "off"
    return "on, link down" if network.is_unplugged(home) else "on"


def _processes(home: Home) -> dict[str, int | None]:
    names = sorted(path.stem for path in home.run.glob("*.pid"))
    return {name: home.process(name).pid() for name in names}


def _summary(processes: dict[str, int | None]) -> str:
    dead = [name for name, pid in processes.items() if pid is None]
    return f"{len(processes) - len(dead)} running" + (f", NOT RUNNING: {', '.join(dead)}" if dead else "")
