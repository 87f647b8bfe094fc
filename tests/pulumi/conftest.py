# SPDX-License-Identifier: Apache-2.0
"""The lab's bare API server, seen by the administrator, and a stack per test."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mesh.kube.cluster import Cluster, connect
from mesh.model.options import Connection

from lab.engine import prepare
from lab.errors import LabError
from lab.state import Lab, load

from .stacks import Stack

ROOT = Path(__file__).resolve().parents[2]
API = os.environ.get("LAB_API", "api")


@pytest.fixture(scope="session")
def lab() -> Lab:
    try:
        state = load()
        state.cluster(API)
    except LabError as error:
        pytest.skip(str(error))
    os.environ["HELM_BINARY"] = str(ROOT / ".lab" / "bin" / "helm")
    return state


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an engine, its state, and our provider."""
    return prepare(tmp_path_factory.mktemp("pulumi"))


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> Iterator[Cluster]:
    found = connect(Connection(kubeconfig=str(lab.kubeconfig), context=API), "api")
    yield found
    found.close()


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own, as somebody else would have made it."""
    name = f"pulumi-{secrets.token_hex(4)}"
    cluster.post("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.transport.raw("DELETE", f"/api/v1/namespaces/{name}")


_NUMBERS = itertools.count(1)


@pytest.fixture
def stack(engine: Path) -> Iterator[Stack]:
    """A stack that is forgotten afterwards, whatever it made."""
    made = Stack(f"test-{next(_NUMBERS)}", engine)
    yield made
    made.remove()


@pytest.fixture
def writes(cluster: Cluster, namespace: str) -> Callable[[Callable[[], Any]], int]:
    """How many objects of the test's namespace are others after something ran, and how many locks were taken meanwhile.
    (All writes of the API server would be the controllers', too.)"""

    def state() -> set[tuple[str, ...]]:
        found = [("Namespace", cluster.get("v1", "Namespace", "", namespace))]
        for api_version, kind in _KINDS:
            found += [(kind, obj) for obj in cluster.list(api_version, kind, namespace)]
        return {(kind, *(obj["metadata"][key] for key in ("name", "resourceVersion"))) for kind, obj in found if obj}

    leases = cluster.resource("coordination.k8s.io/v1", "Lease")
    assert leases

    def during(action: Callable[[], Any]) -> int:
        before, version = state(), cluster.list_at(leases, namespace)[1]
        action()
        # A watch tells again what has happened since then.
        events = list(cluster.watch(leases, namespace, "", version, seconds=1))
        assert all(event["type"] in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK") for event in events), events
        return len(before ^ state()) + sum(event["type"] == "ADDED" for event in events)

    return during


_KINDS = (("v1", "ConfigMap"), ("v1", "Secret"), ("apps/v1", "Deployment"), ("coordination.k8s.io/v1", "Lease"))
