# SPDX-License-Identifier: Apache-2.0
"""End to end: playbooks and the core against the lab's two real clusters. Tests build on each other, file by file.

All that is tested runs under service accounts that may do what `rbac` derives from its declarations; the admin's
connections are for what tests set up and look at.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from mesh.apply.engine import run
from mesh.apply.readiness import status_of
from mesh.kube.cluster import Cluster, connect
from mesh.model.objects import ref
from mesh.model.options import Connection, Mode, RunOptions
from mesh.model.report import Report
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from mesh.render.values import merged

from demo.run import LAB_IMAGE, LAB_VALUES, lab_variables
from lab.errors import LabError
from lab.state import Lab, load
from lab.versions import IMAGE_CLIENT as CLIENT
from tests.accounts import Account, with_tokens

from .hosts import CLUSTER, FAR, NEAR, SPACE, await_

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


@dataclass(frozen=True)
class Automation:
    """The service accounts by cluster, a kubeconfig with their tokens, and variables of the inventory that use it."""

    accounts: dict[str, Account]
    kubeconfig: Path
    variables: Path

    def grant(self) -> None:
        """What playbook `rbac` printed, once more: roles go with their namespace."""
        for name, account in self.accounts.items():
            account.grant(yaml.safe_load_all((self.kubeconfig.parent / f"{name}.yml").read_text()))


def _play(variables: Path, name: str, *arguments: str, inventory: Path = INVENTORY, timeout: float = 300) -> Played:
    started = time.monotonic()
    command = ["ansible-playbook", "-i", str(inventory), "-e", f"@{variables}", name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    return Played(done.returncode, done.stdout + done.stderr, time.monotonic() - started)


@pytest.fixture(scope="session")
def automation(lab: Lab, connections: dict[str, Cluster], tmp_path_factory: pytest.TempPathFactory) -> Automation:
    """An account on each cluster, with the roles that playbook `rbac` prints for the example's inventory."""
    accounts = {name: Account(connections[name], "automation") for name in ("onprem", "cloud")}
    place = tmp_path_factory.mktemp("automation")
    kubeconfig, variables = place / "kubeconfig", place / "variables.json"
    kubeconfig.write_text(yaml.safe_dump(with_tokens(Path(lab.kubeconfig), accounts)))
    admins = lab_variables()
    variables.write_text(json.dumps({**json.loads(admins.read_text()), "mesh_kubeconfig": str(kubeconfig)}))
    asked = {"rbac_name": "automation", "rbac_subject": accounts["onprem"].subject}
    asked["rbac_file"] = f"{place}/{{{{ inventory_hostname }}}}.yml"
    played = _play(admins, "meshops.mesh.rbac", "-e", json.dumps(asked))
    assert played.code == 0, played.output
    found = Automation(accounts, kubeconfig, variables)
    found.grant()
    return found


@pytest.fixture(scope="session")
def play(automation: Automation) -> Callable[..., Played]:
    """Run a playbook of the collection on the lab."""
    return partial(_play, automation.variables)


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
    """Runs operations of the core as both fronts do, each under what `rbac` derives from it on the spot."""

    lab: Lab
    automation: Automation

    def __call__(
        self, cluster: str, name: str, data: dict[str, Any], state: Any = "present", check: bool = False, **options: Any
    ) -> Report:
        operation = OPERATIONS[name]
        self.automation.accounts[cluster].grant_for(name, {**data, **options}, state)
        connection = connect(self.connection(cluster), cluster)
        try:
            spec = parse(operation.spec, data)
            return run(operation, spec, connection, parse(RunOptions, options), Mode(state, check), print)
        finally:
            connection.close()

    def connection(self, cluster: str) -> Connection:
        """As the account."""
        return Connection(kubeconfig=str(self.automation.kubeconfig), context=cluster)

    def control_plane(self, **data: Any) -> dict[str, Any]:
        """A control plane's declaration that runs on the lab."""
        values = merged(LAB_VALUES, self.lab.istio_values, data.pop("values", {}))
        charts = {"repository": self.lab.chart_repository, "plain_http": True}
        return {"version": self.lab.istio_version, "charts": charts, "values": values, **data}


@pytest.fixture(scope="session")
def core(lab: Lab, automation: Automation) -> Core:
    return Core(lab, automation)


@pytest.fixture(scope="session")
def shop_image() -> str:
    return LAB_IMAGE


@pytest.fixture(scope="module")
def machines(lab):
    if {NEAR, FAR} - {host.name for host in lab.hosts}:
        pytest.skip("the lab has no hosts; run: python -m lab up --hosts 2")
    return {host.name: host for host in lab.hosts}


@pytest.fixture(scope="module")
def clusters_of_module(connections):
    for cluster in connections.values():
        cluster.forget_kinds()
    return connections


@pytest.fixture(scope="module")
def client(clusters_of_module, lab):
    """A pod of the shop that resolves names of the mesh, and calls."""
    cluster = clusters_of_module[CLUSTER]
    marks = {"proxy.istio.io/config": 'proxyMetadata: {ISTIO_META_DNS_CAPTURE: "true"}'}
    container = {"name": "client", "image": CLIENT, "command": ["sleep", "infinity"], "imagePullPolicy": "IfNotPresent"}
    metadata = {"name": "hosts-client", "namespace": SPACE, "annotations": marks, "labels": {"app": "hosts-client"}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    cluster.apply(pod, "test")
    key = ref(pod)
    await_(lambda: status_of(cluster.get("v1", "Pod", SPACE, key.name)).ready, 60)

    def call(*arguments):
        command = ["kubectl", f"--kubeconfig={lab.kubeconfig}", f"--context={CLUSTER}", f"--namespace={SPACE}"]
        asked = ["curl", "--silent", "--show-error", "--max-time", "10", "--include", *arguments]
        done = subprocess.run(
            [*command, "exec", key.name, "--container=client", "--", *asked],
            capture_output=True,
            check=False,
        )
        return (done.stdout + done.stderr).decode(errors="replace")

    yield call
    cluster.delete(key)
