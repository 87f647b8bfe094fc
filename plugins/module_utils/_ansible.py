# SPDX-License-Identifier: Apache-2.0
"""All Ansible glue that modules and action plugins share: argument specs, connection options, results."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._ansible_options import RENDERED
from ._arguments import CONNECTION, argument_spec, validated
from ._declared import declared, given
from ._diff import differences
from ._queried import Question
from ._rendered import write_rendered
from .mesh.apply.engine import run
from .mesh.kube.cluster import Cluster, connect
from .mesh.kube.libraries import MISSING
from .mesh.model.errors import MeshError
from .mesh.model.operation import Declarative
from .mesh.model.options import Connection, Mode, RunOptions
from .mesh.model.secrets import REDACTED, without_userinfo
from .mesh.model.spec import parse
from .mesh.operations.registry import OPERATIONS


def failure(name: str, error: MeshError, plan: Sequence[str] = ()) -> dict[str, Any]:
    """The result of a failed task that runs the operation of that name."""
    told = {"failed": True, "changed": bool(error.applied), "msg": str(error), "error": error.as_dict()}
    if error.warnings:
        told["warnings"] = error.warnings
    return {**told, "plan": list(plan)} if isinstance(OPERATIONS[name], Declarative) else told


def perform(
    name: str, arguments: Mapping[str, Any], *, check: bool, diff: bool, host: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Run an operation with validated arguments; the result is what a task returns, failures included."""
    plan: list[str] = []

    def progress(line: str) -> None:
        plan.append(line)
        tell(f"{host}: {line}")

    try:
        question = Question(arguments.get("query"))
        task = _Task(name, arguments, check, diff, host, progress)
    except MeshError as error:
        return failure(name, error.at(host))
    try:
        result = task.rendered() if arguments.get("state") == RENDERED else task.applied()
    except MeshError as error:
        return failure(name, error, plan)
    told = {"plan": plan} if isinstance(task.operation, Declarative) else {}
    answer = question.answered(result)
    return {**result, **told, **answer, "warnings": [*result["warnings"], *answer.get("warnings", ())]}


class _Task:
    """An operation with its arguments, read."""

    def __init__(
        self,
        name: str,
        arguments: Mapping[str, Any],
        check: bool,
        diff: bool,
        host: str,
        progress: Callable[[str], None],
    ) -> None:
        """Raise MeshError for arguments that cannot be."""
        self.operation, self.spec = declared(OPERATIONS[name], arguments)
        self.options = parse(RunOptions, given(arguments, RunOptions))
        self.arguments, self.check, self.host, self.progress = arguments, check, host, progress
        self.diff = diff and isinstance(self.operation, Declarative)

    def applied(self) -> dict[str, Any]:
        """What became of it on the cluster."""
        reached = {key: _connected(self.arguments[key]) for key in CONNECTION if self.arguments.get(key) is not None}
        cluster = connect(Connection(**reached), self.host)
        try:
            mode = Mode(self.arguments.get("state", "present"), self.check)
            with _stopped_by_signals(cluster):
                report = run(self.operation, self.spec, cluster, self.options, mode, self.progress)
        finally:
            cluster.close()
        if not isinstance(self.operation, Declarative):
            return {"changed": report.changed, **report.result, "warnings": report.warnings}
        shown = {"diff": list(differences(report))} if self.diff else {}
        return {**report.as_dict(), "warnings": report.warnings, **shown}

    def rendered(self) -> dict[str, Any]:
        """What became of the directory."""
        try:
            result = write_rendered(
                self.operation.name, self.spec, self.arguments, check=self.check, tell=self.progress
            )
        except MeshError as error:
            raise error.at(self.host) from None
        return {key: value for key, value in result.items() if self.diff or key != "diff"}


@contextlib.contextmanager
def _stopped_by_signals(cluster: Cluster) -> Iterator[None]:
    """The first SIGINT or SIGTERM lets requests in flight end and gives locks back; the second ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, before[number])
        cluster.transport.cancel()

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _connected(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _shown(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that every result repeats: without maps and lists, in which secrets may be, nor other texts that
    may hold some: what should be a map and is not, an address with a password."""
    plain = {key: value for key, value in arguments.items() if not isinstance(value, (dict, list))}
    texts = {key: without_userinfo(value) for key, value in plain.items() if isinstance(value, str)}
    return {**plain, **{key: REDACTED if "\n" in text or "{" in text else text for key, text in texts.items()}}


def run_module(name: str) -> None:
    """The whole of a module: for connections that are not local, or hosts where Ansible's Python lacks libraries."""
    # no_log keeps the arguments out of the host's system log: objects may be Secrets.
    module = AnsibleModule(argument_spec=argument_spec(OPERATIONS[name]), supports_check_mode=True, no_log=True)
    if MISSING:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=MISSING)
    host = module.params.get("context") or os.environ.get("K8S_AUTH_CONTEXT") or "cluster"
    result = perform(
        name, module.params, check=module.check_mode, diff=module._diff, host=host, tell=lambda _line: None
    )
    result["invocation"] = {"module_args": _shown(module.params)}
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


__all__ = ["argument_spec", "failure", "perform", "run_module", "validated"]
