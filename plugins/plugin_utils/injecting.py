# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual injection for objects and for texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.manifests import documents
from ansible_collections.meshops.mesh.plugins.plugin_utils.asking import ask

_OPERATION = "kube_inject"


def inject(objects: Any, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects with the proxy in them; raises MeshError."""
    injected: list[dict[str, Any]] = _asked(objects, options)["objects"]
    return injected


def inject_text(text: str, options: Mapping[str, Any], where: str) -> str:
    """The same for YAML documents; ``where`` says in errors what text it is. Empty documents are left out."""
    objects = [document for document in documents(str(text), where) if document is not None]
    try:
        return str(_asked(objects, options)["yaml"])
    except MeshError as error:
        raise error.at(where) from None


def _asked(objects: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    return ask(_OPERATION, {**options, "objects": objects})


__all__ = ["inject", "inject_text"]
