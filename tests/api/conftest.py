# SPDX-License-Identifier: Apache-2.0
"""Against a real API server without nodes: the lab's cluster `api`. Every request is counted."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mesh.apply.engine import run
from mesh.kube.cluster import Cluster, connect
from mesh.kube.transport import Transport
from mesh.model.options import Connection, Mode, RunOptions
from mesh.model.report import Report
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

from lab.errors import LabError
from lab.state import Lab, load
from tests import configured

ROOT = Path(__file__).resolve().parents[2]
#: Which of the lab's bare API servers; runs at the same time need one each.
API = os.environ.get("LAB_API", "api")
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@pytest.fixture(scope="session")
def lab() -> Lab:
    try:
        state = load()
        state.cluster(API)
    except LabError as error:
        pytest.skip(str(error))
    os.environ["HELM_BINARY"] = str(ROOT / ".lab" / "bin" / "helm")
    return state


@dataclass
class Api:
    """Runs operations, and knows how many real writes the last one made (dry runs and reviews write nothing)."""

    connection: Connection
    writes: list[str] = field(default_factory=list)

    def __call__(
        self, name: str, data: dict[str, Any], state: Any = "present", check: bool = False, **options: Any
    ) -> Report:
        operation = OPERATIONS[name]
        self.writes.clear()
        cluster = connect(self.connection, "api")
        try:
            wait = {} if operation.name == "mesh_info" else {"wait": False, **options}
            spec = parse(operation.spec, data)
            return run(operation, spec, cluster, parse(RunOptions, wait), Mode(state, check), lambda line: None)
        finally:
            cluster.close()


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch, api: Api) -> None:
    """Every request of every transport passes here; what changes the cluster is noted."""
    real = Transport.raw

    def raw(self: Transport, method: str, path: str, **request: Any) -> bytes:
        if method in _WRITES and "dryRun" not in (request.get("query") or {}) and "reviews" not in path:
            api.writes.append(f"{method} {path}")
        return real(self, method, path, **request)

    monkeypatch.setattr(Transport, "raw", raw)


@pytest.fixture(scope="session")
def api(lab: Lab) -> Api:
    return Api(Connection(kubeconfig=str(lab.kubeconfig), context=API))


@pytest.fixture
def cluster(api: Api) -> Iterator[Cluster]:
    found = connect(api.connection, "api")
    yield found
    found.close()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, as somebody else would have made it."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.post("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.transport.raw("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="module")
def workload_kinds(api: Api, lab: Lab) -> Iterator[None]:
    """Definitions of the kinds that tell of hosts outside Kubernetes; other modules declare these themselves."""
    cluster = connect(api.connection, "api")
    with configured.workload_kinds(cluster, lab.charts):
        yield
    cluster.close()


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
