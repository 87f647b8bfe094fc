# SPDX-License-Identifier: Apache-2.0
"""The engine behind the fault proxy, where each test says itself what happens to which request, and how often."""

from __future__ import annotations

import contextlib
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

from lab.addresses import Addresses
from lab.home import Home
from lab.kubeconfig import Access
from lab.state import Lab
from tests.faults.proxy import Exchange, Fault, Proxy, Seen

from .conftest import API

Act = Callable[[Exchange], None]
#: What is to happen to a request; None lets it through.
Rule = Callable[[Seen], Act | None]


class Spoiler(Proxy):
    """A proxy with a rule instead of a plan."""

    def __init__(self, upstream: Access, directory: Path, rule: Rule) -> None:
        self.rule = rule
        super().__init__(upstream, directory)

    def number(self, method: str, path: str) -> tuple[Seen, Fault | None]:
        """Note a request; and what is to happen to it."""
        seen, _ = super().number(method, path)
        act = self.rule(seen)
        return seen, Fault("rule", "of the test", act) if act else None


@dataclass
class Scene:
    """A connection through the proxy, on which operations run."""

    proxy: Spoiler
    cluster: Cluster

    def __call__(self, name: str, data: dict[str, Any], state: Any = "present", check: bool = False, **options: Any):
        operation = OPERATIONS[name]
        settings = parse(RunOptions, {"wait": False, **options})
        report: Report = run(
            operation, parse(operation.spec, data), self.cluster, settings, Mode(state, check), lambda _line: None
        )
        return report

    def paths(self, method: str) -> list[str]:
        """What was asked for by that method, in order."""
        return [seen.path.partition("?")[0] for seen in self.proxy.seen if seen.method == method]


def access(lab: Lab) -> Access:
    """The administrator's way to the API server."""
    return Home(API).access(Addresses(lab.cluster(API).number))


@contextlib.contextmanager
def opened(lab: Lab, directory: Path, rule: Rule, **connection: Any) -> Iterator[Scene]:
    """A scene, until the end of the block."""
    with Spoiler(access(lab), directory, rule) as proxy:
        cluster = connect(Connection(**{"kubeconfig": str(proxy.kubeconfig), **connection}), "api")
        try:
            yield Scene(proxy, cluster)
        finally:
            cluster.close()


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory, so that the proxy's certificates are made once."""
    return tmp_path_factory.mktemp("proxy")


@pytest.fixture
def scene(lab: Lab, directory: Path) -> Iterator[Callable[..., Scene]]:
    """Opens scenes that end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda rule, **connection: stack.enter_context(opened(lab, directory, rule, **connection))


def once(act: Act, applies: Callable[[Seen], bool]) -> Rule:
    """Spoil the first request to which it applies."""
    left = [act]
    return lambda seen: left.pop() if left and applies(seen) else None


def always(act: Act, applies: Callable[[Seen], bool]) -> Rule:
    """Spoil every request to which it applies."""
    return lambda seen: act if applies(seen) else None
