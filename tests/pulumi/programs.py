# SPDX-License-Identifier: Apache-2.0
"""Programs of the tests, as a user would write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi

import pulumi_mesh as mesh
from lab.state import Lab


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def config_set(
    lab: Lab, context: str, namespace: str, objects: Sequence[Mapping[str, Any]], name: str = "traffic", **more: Any
) -> Callable[[], None]:
    """One set of objects on one cluster. ``more`` are other arguments, ``opts``, and ``resource``: its name."""

    def program() -> None:
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=context)
        opts = pulumi.ResourceOptions.merge(more.get("opts"), pulumi.ResourceOptions(provider=provider))
        others = {key: value for key, value in more.items() if key not in ("opts", "resource")}
        arguments: Any = {"name": name, "namespace": namespace, "objects": objects, **others}
        made = mesh.ConfigSet(more.get("resource", "traffic"), arguments, opts)
        pulumi.export("inventory", made.inventory)

    return program
