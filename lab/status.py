# SPDX-License-Identifier: Apache-2.0
"""What is up: clusters, addresses, processes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from lab import chartservers, state
from lab.errors import LabError
from lab.home import Home


def collect() -> dict[str, Any]:
    """Every cluster of the state file and the pids of its processes; null for one that is not running."""
    try:
        lab = state.load()
    except LabError:
        return {"provider": None, "clusters": [], "servers": {}}
    clusters = [{**asdict(entry), "processes": _processes(entry.name)} for entry in lab.clusters]
    servers = {process.name: process.pid() for process in chartservers.processes()}
    return {"provider": lab.provider, "clusters": clusters, "servers": servers}


def as_json() -> str:
    """For programs."""
    return json.dumps(collect(), indent=2)


def as_table() -> str:
    """For people."""
    found = collect()
    if not found["clusters"]:
        return "nothing is up; run: python -m lab up"
    rows = [("CLUSTER", "SERVER", "PODS", "LOAD BALANCERS", "PROCESSES")]
    for entry in found["clusters"]:
        rows.append(
            (
                entry["name"],
                entry["server"],
                entry["pod_range"],
                entry["load_balancer_pool"],
                _summary(entry["processes"]),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{name}: {'pid ' + str(pid) if pid else 'NOT RUNNING'}" for name, pid in found["servers"].items()]
    return "\n".join(lines)


def _processes(cluster: str) -> dict[str, int | None]:
    home = Home(cluster)
    names = sorted(path.stem for path in home.run.glob("*.pid"))
    return {name: home.process(name).pid() for name in names}


def _summary(processes: dict[str, int | None]) -> str:
    dead = [name for name, pid in processes.items() if pid is None]
    return f"{len(processes) - len(dead)} running" + (f", NOT RUNNING: {', '.join(dead)}" if dead else "")
