# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_bootstrap asks the cluster from the controller, and looks and writes on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.meshops.mesh.plugins.module_utils._ansible import failure
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.kube.libraries import MISSING
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.host_layout import named, placed
from ansible_collections.meshops.mesh.plugins.plugin_utils.operation_action import OperationAction

Result = dict[str, Any]


class BootstrapAction(OperationAction):
    """The action of vm_bootstrap."""

    _seen: Mapping[str, Any] = {}

    def run(self, tmp: Any = None, task_vars: Any = None) -> Result:
        """Return the files, or write them where the host lacks them."""
        variables, result = task_vars or {}, {}
        arguments = super()._arguments(variables)
        wrong = _wrong(arguments)
        if wrong is not None:
            return {**result, **failure(self.operation, wrong)}
        if arguments.get("return_files"):
            returned: Result = super().run(tmp, task_vars)
            # Callbacks get nothing of the result, but for an error; what register keeps is whole.
            return {**returned, "_ansible_no_log": not returned.get("failed")}
        seen = self._execute_module(module_name="meshops.mesh.vm_host", module_args={}, task_vars=variables)
        if seen.get("failed"):
            return dict(seen)
        self._seen = seen
        told: Result = super().run(tmp, task_vars)
        if told.get("failed"):
            return told
        files = told.pop("files")
        del told["user_data"]
        return {**told, **self._written(files, variables)}

    def _written(self, files: Mapping[str, str], variables: Mapping[str, Any]) -> Result:
        """What became of them on the host."""
        arguments = {"files": placed(files), "hosts": named(files["hosts"])}
        done = self._execute_module(module_name="meshops.mesh.vm_files", module_args=arguments, task_vars=variables)
        listed = [item["path"] for item in done.pop("files", ()) if item["action"] in ("created", "changed")]
        return {**{key: value for key, value in done.items() if key != "invocation"}, "written": listed}

    def _in_process(self, variables: Mapping[str, Any]) -> bool:
        """Always: hosts need not reach the API server."""
        return True

    def _arguments(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """With what the host itself tells. In check mode no token is issued."""
        given = super()._arguments(variables)
        if given.get("return_files"):
            return _without_tokens(given) if self._task.check_mode else given
        ports = {int(variables.get("ansible_port") or 22), *self._seen["ssh_ports"]}
        told = {
            "certificate": self._seen["certificate"],
            "exclude_inbound_ports": sorted({*(given.get("exclude_inbound_ports") or ()), *ports} - {22}),
            "issue_token": given.get("issue_token", True) and not self._task.check_mode,
        }
        return {**given, **told}


def _without_tokens(arguments: Mapping[str, Any]) -> dict[str, Any]:
    hosts = arguments.get("hosts")
    each = {} if hosts is None else {"hosts": [{**host, "issue_token": False} for host in hosts]}
    return {**arguments, "issue_token": False, **each}


def _wrong(arguments: Mapping[str, Any]) -> MeshError | None:
    if MISSING:
        hint = "install it where ansible-playbook runs"
        return MeshError("invalid_option", f"Ansible's own Python lacks a library: {MISSING}", hint=hint)
    if arguments.get("hosts") is not None and not arguments.get("return_files"):
        hint = "one host writes no files of others"
        return MeshError("invalid_option", "needs return_files", where="hosts", hint=hint)
    return None
