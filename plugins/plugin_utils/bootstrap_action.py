# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_bootstrap asks the cluster from the controller, and looks and writes on the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.meshops.mesh.plugins.module_utils._ansible import failure
from ansible_collections.meshops.mesh.plugins.module_utils._queried import Question
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.kube.libraries import MISSING
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.host_layout import named, placed
from ansible_collections.meshops.mesh.plugins.plugin_utils.operation_action import OperationAction

Result = dict[str, Any]


class BootstrapAction(OperationAction):
    """The action of vm_bootstrap."""

    _seen: Mapping[str, Any] = {}
    _returned = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> Result:
        """Return the files, or write them where the host lacks them."""
        variables = task_vars or {}
        arguments = super()._arguments(variables)
        try:
            self._returned = _returns_files(arguments)
            question = Question(None if self._returned else arguments.get("query"))
        except MeshError as error:
            return failure(self.operation, error)
        if self._returned:
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
        done = {**told, **self._written(files, variables)}
        return {**done, **question.answered(done)}

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
        if self._returned:
            return _without_tokens(given) if self._task.check_mode else given
        ports = {int(variables.get("ansible_port") or 22), *self._seen["ssh_ports"]}
        told = {
            "certificate": self._seen["certificate"],
            "exclude_inbound_ports": sorted({*(given.get("exclude_inbound_ports") or ()), *ports} - {22}),
            "issue_token": given.get("issue_token", True) and not self._task.check_mode,
        }
        # What is asked of the result is asked when nothing secret is in it any more.
        return {**{key: value for key, value in given.items() if key != "query"}, **told}


def _without_tokens(arguments: Mapping[str, Any]) -> dict[str, Any]:
    hosts = arguments.get("hosts")
    if not isinstance(hosts, list):
        return {**arguments, "issue_token": False}
    each = [{**host, "issue_token": False} if isinstance(host, Mapping) else host for host in hosts]
    return {**arguments, "issue_token": False, "hosts": each}


def _returns_files(arguments: Mapping[str, Any]) -> bool:
    """Raise MeshError for what cannot be."""
    if MISSING:
        hint = "install it where ansible-playbook runs"
        raise MeshError("invalid_option", f"Ansible's own Python lacks a library: {MISSING}", hint=hint)
    try:
        returned = bool(boolean(arguments.get("return_files", False)))
    except TypeError:
        raise MeshError("invalid_option", "must be true or false", where="return_files") from None
    if arguments.get("hosts") is not None and not returned:
        hint = "one host writes no files of others"
        raise MeshError("invalid_option", "needs return_files", where="hosts", hint=hint)
    return returned
