# SPDX-License-Identifier: Apache-2.0
"""Runs of operations on the configured cluster, which can be told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .._core.kube.cluster import Cluster, connect
from .._core.model.errors import MeshError
from .._core.model.operation import AnyOperation
from .._core.model.options import Connection, Mode, RunOptions
from .._core.model.report import Report

#: Receives a line for people: of the plan and of the progress.
Tell = Callable[[str], None]
#: Takes secrets out of plain data.
Hide = Callable[[Any], Any]


class Sessions:
    """One connection per run, all with the same configuration; runs may go on side by side."""

    def __init__(self, connection: Connection, secrets: Iterable[str]) -> None:
        self._connection, self._secrets = connection, tuple(secrets)
        self._open: set[Cluster] = set()
        self._lock = threading.Lock()
        self._cancelled = False

    def run(
        self,
        operation: AnyOperation,
        spec: Any,
        options: RunOptions,
        mode: Mode,
        tell: Tell,
        secrets: Iterable[str] = (),
    ) -> tuple[Report, Hide]:
        """Raises MeshError; ``secrets`` are shown nowhere."""
        from .._core.apply.engine import run

        with self.connected() as cluster:
            hidden = cluster.transport.secrets
            hidden.learn((*self._secrets, *secrets))
            return run(operation, spec, cluster, options, mode, tell), hidden.hidden_strictly

    @contextmanager
    def connected(self) -> Iterator[Cluster]:
        """A connection for a while. Raises MeshError."""
        cluster = connect(self._connection)
        try:
            with self._lock:
                if self._cancelled:
                    raise MeshError("cancelled", "the run was stopped before it began")
                self._open.add(cluster)
            yield cluster
        finally:
            with self._lock:
                self._open.discard(cluster)
            cluster.close()

    def cancel(self) -> None:
        """Requests in flight end, locks are given back, and no other run begins."""
        with self._lock:
            self._cancelled = True
            for cluster in self._open:
                cluster.transport.cancel()
