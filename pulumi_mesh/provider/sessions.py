# SPDX-License-Identifier: Apache-2.0
"""Runs of operations on the configured cluster, which can be told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from .._core.kube.cluster import Cluster, connect
from .._core.model.errors import MeshError
from .._core.model.objects import Object, ObjectSet
from .._core.model.operation import AnyOperation, Declarative
from .._core.model.options import Connection, Mode, RunOptions
from .._core.model.report import Report
from .._core.model.secrets import Secrets
from .._core.model.sets import parent_name

#: Receives a line for people: of the plan and of the progress.
Tell = Callable[[str], None]
#: Takes secrets out of plain data.
Hide = Callable[[Any], Any]


def _hidden(secrets: Secrets, value: Any) -> Any:
    """Plain data without secrets, short ones too."""
    match value:
        case str():
            return secrets.hide_strictly(value)
        case dict():
            return {key: _hidden(secrets, item) for key, item in value.items()}
        case list() | tuple():
            return [_hidden(secrets, item) for item in value]
        case bool() | None:
            return value
    shown = secrets.hide_strictly(str(value))
    return value if shown == str(value) else shown


def _declared(obj: Object, own: ObjectSet) -> bool:
    """Whether it is there because the set wants it, and not only labelled so, or on its way out."""
    from .._core.plan.changes import is_member
    from .._core.plan.compare import owned_fields

    going = "deletionTimestamp" in obj["metadata"]
    return is_member(obj, own) and owned_fields(obj, own.manager) is not None and not going


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
            return run(operation, spec, cluster, options, mode, tell), partial(_hidden, hidden)

    def inventory(self, operation: Declarative[Any, Any], spec: Any) -> Object | None:
        """The inventory of the operation's own set; None where there is none, empty where it keeps none."""
        with self.connected() as cluster:
            own = operation.removal(spec, operation.observe(cluster, spec)).sets[0]
            return cluster.get("v1", "ConfigMap", own.namespace, parent_name(own.id)) if own.recorded else {}

    def recovered(self, operation: Declarative[Any, Any], spec: Any) -> Any:
        """The declaration that the members of the operation's own set tell of."""
        from .._core.apply.live import observe

        with self.connected() as cluster:
            own = operation.removal(spec, operation.observe(cluster, spec)).sets[0]
            live = observe(cluster, [own])
            others = live.fields.get(own.id, frozenset())
            members = [obj for key, obj in live.objects.items() if key in others or _declared(obj, own)]
            return operation.recovered(spec, members)

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
