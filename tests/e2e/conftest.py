# SPDX-License-Identifier: Apache-2.0
"""End to end: playbooks and the core against the lab's two real clusters. Tests build on each other, file by file."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mesh.apply.engine import run
from mesh.kube.cluster import Cluster, connect
from mesh.model.options import Connection, Mode, RunOptions
from mesh.model.report import Report
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from mesh.render.values import merged

from demo.run import LAB_IMAGE, LAB_VALUES, lab_variables
from lab.errors import LabError
from lab.state import Lab, load

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "examples" / "inventory"
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """One run of a playbook: ``changed`` and ``failed`` are counts of tasks by host."""

    code: int
    output: str
    seconds: float

    def _recap(self, group: int) -> dict[str, int]:
        return {match[1]: int(match[group]) for match in _RECAP.finditer(self.output)}

    @property
    def changed(self) -> dict[str, int]:
        return self._recap(3)

    @property
    def failed(self) -> dict[str, int]:
        return self._recap(5)


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab as it is up, with both clusters."""
    try:
        state = load()
        for name in ("onprem", "cloud"):
            state.cluster(name)
    except LabError as error:
        pytest.skip(str(error))
    os.environ["HELM_BINARY"] = str(ROOT / ".lab" / "bin" / "helm")
    return state


@pytest.fixture(scope="session")
def play(lab: Lab) -> Callable[..., Played]:
    """Run a playbook of the collection on the lab."""
    variables = lab_variables()

    def run_playbook(name: str, *arguments: str, timeout: float = 300) -> Played:
        started = time.monotonic()
        command = ["ansible-playbook", "-i", str(INVENTORY), "-e", f"@{variables}", name, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        return Played(done.returncode, done.stdout + done.stderr, time.monotonic() - started)

    return run_playbook


@pytest.fixture
def clusters(connections: dict[str, Cluster]) -> dict[str, Cluster]:
    """The lab's clusters by name; what kinds they serve is asked anew for each test."""
    for cluster in connections.values():
        cluster.forget_kinds()
    return connections


@pytest.fixture(scope="session")
def connections(lab: Lab) -> Iterator[dict[str, Cluster]]:
    """Connections to the lab's clusters by name."""
    found = {
        item.name: connect(Connection(kubeconfig=str(lab.kubeconfig), context=item.context), item.name)
        for item in lab.clusters
        if item.nodes
    }
    yield found
    for cluster in found.values():
        cluster.close()


@dataclass(frozen=True)
class Core:
    """Runs operations of the core as both fronts do."""

    lab: Lab

    def __call__(
        self, cluster: str, name: str, data: dict[str, Any], state: Any = "present", check: bool = False, **options: Any
    ) -> Report:
        operation = OPERATIONS[name]
        connection = connect(Connection(kubeconfig=str(self.lab.kubeconfig), context=cluster), cluster)
        try:
            spec = parse(operation.spec, data)
            return run(operation, spec, connection, parse(RunOptions, options), Mode(state, check), print)
        finally:
            connection.close()

    def control_plane(self, **data: Any) -> dict[str, Any]:
        """A control plane's declaration that runs on the lab."""
        values = merged(LAB_VALUES, self.lab.istio_values, data.pop("values", {}))
        charts = {"repository": self.lab.chart_repository, "plain_http": True}
        return {"version": self.lab.istio_version, "charts": charts, "values": values, **data}


@pytest.fixture(scope="session")
def core(lab: Lab) -> Core:
    return Core(lab)


@pytest.fixture(scope="session")
def shop_image() -> str:
    return LAB_IMAGE
