# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries where there is no task: in filters, lookups and inventories."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display
from ansible_collections.meshops.mesh.plugins.module_utils._ansible import perform, validated
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.kube.libraries import MISSING
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.plugin_utils.plain import looked_at, plain


def ask(operation: str, arguments: Mapping[str, Any], cluster: str = "") -> dict[str, Any]:
    """What the module of that name returns; raises MeshError. Warnings are shown. ``cluster`` is what it is called;
    without it, by its context."""
    if MISSING:
        hint = "install kubernetes and PyYAML there"
        raise MeshError("missing_dependency", f"Ansible's Python lacks a library: {MISSING}", hint=hint)
    given = plain(looked_at(arguments))
    host = cluster or given.get("context") or os.environ.get("K8S_AUTH_CONTEXT") or "cluster"
    try:
        parameters = validated(operation, given)
    except MeshError as error:
        raise error.at(str(host)) from None
    result = perform(operation, parameters, check=False, diff=False, host=str(host), tell=lambda _line: None)
    if result.get("failed"):
        raise MeshError(**result["error"])
    for text in result.get("warnings", ()):
        Display().warning(text)
    return result


__all__ = ["ask"]
