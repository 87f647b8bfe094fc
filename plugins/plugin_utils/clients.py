# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of network services in manifests: for objects, and for texts."""

from __future__ import annotations

from typing import Any

import yaml
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.nsm_urls import request
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.spec import parse
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.specs.nsm_client import NsmClientSpec
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.manifests import documents, flatten
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.nsm_annotations import annotated, is_client
from ansible_collections.meshops.mesh.plugins.plugin_utils.plain import plain

#: Manifests have no declaration's name and place; these are never seen.
_NOWHERE = {"name": "x", "namespace": "x"}


def clients(objects: Any, services: Any, workloads: Any) -> list[dict[str, Any]]:
    """The objects with the annotation; Lists are opened. Raises MeshError ``invalid_option`` and ``invalid_object``."""
    given = plain(objects)
    given = given if isinstance(given, list) else [given]
    # Of workloads the filter knows more kinds than the module does.
    spec = parse(NsmClientSpec, {**_NOWHERE, "services": plain(services)})
    named = plain(list(workloads) if isinstance(workloads, tuple) else workloads)
    if not isinstance(named, list) or not all(isinstance(text, str) for text in named):
        raise MeshError("invalid_option", "must be a list of names", where="workloads")
    if not spec.services:
        raise MeshError("invalid_option", "is required", where="services")
    asked = [request(text) for text in spec.services]
    found = list(flatten(given, "the input"))
    names = {name for obj in found if is_client(obj) for name in _names(obj)}
    for text in named:
        if text not in names:
            raise MeshError("invalid_option", f"there is no {text} among the objects", where="workloads")
    meant = set(named)
    return [annotated(obj, asked) if is_client(obj) and (not meant or meant & _names(obj)) else obj for obj in found]


def _names(obj: dict[str, Any]) -> set[str]:
    name = obj["metadata"]["name"]
    return {name, f"{obj['kind']}/{name}"}


def clients_of_text(text: str, services: Any, workloads: Any) -> str:
    """The same for YAML documents."""
    found = clients([item for item in documents(str(text), "the text") if item is not None], services, workloads)
    return str(yaml.safe_dump_all(found, sort_keys=False, width=110))


__all__ = ["clients", "clients_of_text"]
