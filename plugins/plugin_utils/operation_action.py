# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an operation in Ansible's own worker process: no module is built, copied and started for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.meshops.mesh.plugins.module_utils._ansible import failure, perform, validated
from ansible_collections.meshops.mesh.plugins.module_utils._ansible_options import RENDERED
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.kube.libraries import MISSING
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.operations.registry import OPERATIONS
from ansible_collections.meshops.mesh.plugins.plugin_utils.plain import plain
from ansible_collections.meshops.mesh.plugins.plugin_utils.sources import Sources


class OperationAction(ActionBase):
    """An action whose class attribute ``operation`` names what it runs."""

    operation = ""
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Validate the arguments and run, here where possible, else as a module on the host."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = self._arguments(variables)
        host = self._place(arguments, variables)
        # Files are written on the controller, whatever the connection.
        in_process = self._in_process(variables) or arguments.get("state") == RENDERED
        if in_process:
            # The worker is forked for this one task: its environment is the task's.
            os.environ.update(self._environment())
        sources = Sources(self, variables, OPERATIONS[self.operation].spec.__dataclass_fields__)
        try:
            arguments = sources.resolve(arguments)
            # Also for the module, whose own check says less and gives no error that could be looked at.
            parameters = validated(self.operation, arguments)
        except MeshError as error:
            return {**result, **sources.placed(failure(self.operation, error.at(host)))}
        if not in_process:
            done = self._execute_module(module_args=arguments, task_vars=variables, wrap_async=self._task.async_val)
            for line in done.get("plan", ()):
                self._tell(f"{host}: {line}")
            return {**result, **sources.placed(done)}
        outcome = perform(
            self.operation,
            parameters,
            check=self._task.check_mode,
            diff=self._task.diff,
            host=host,
            tell=self._tell,
        )
        return {**result, **sources.placed(outcome)}

    def _place(self, arguments: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
        """Where errors are: at the cluster, which is the task's host unless a host of another kind delegates it."""
        context = arguments.get("context") if self._task.delegate_to else None
        return str(context or variables.get("inventory_hostname", "cluster"))

    def _tell(self, line: str) -> None:
        """Nothing of a task with no_log, of which Ansible shows only the result's being there."""
        if not self._task.no_log:
            self._display.display(line)

    def _in_process(self, variables: Mapping[str, Any]) -> bool:
        local = self._connection.transport == "local" and not self._play_context.become and not self._task.async_val
        return local and not MISSING and bool(variables.get("meshops_in_process", True))

    def _arguments(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The task's options over those of the variable meshops_item, by which the roles hand over a whole item."""
        item = self._templar.template(variables["meshops_item"]) if "meshops_item" in variables else {}
        arguments: dict[str, Any] = plain({**item, **self._task.args})
        return arguments

    def _environment(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for layer in self._task.environment or ():
            templated = self._templar.template(layer) if layer else {}
            found |= {str(key): str(value) for key, value in (templated or {}).items()}
        return found
