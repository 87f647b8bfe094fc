# SPDX-License-Identifier: Apache-2.0
"""A whole mesh over several clusters as one component."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi

from . import resources
from ._core.model.declaration import Member
from ._core.model.errors import MeshError
from ._core.render.mesh_file import load, members, plain_objects, with_objects
from .provider.naming import pascal


class Mesh(pulumi.ComponentResource):
    """What a declaration says of every cluster, in order: one `up` brings empty clusters there, one `destroy` back.

    The declaration is that of ``mesh.yaml``; see docs/pulumi.md. Relative paths in it start in ``directory``.
    """

    def __init__(
        self,
        name: str,
        declaration: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        *,
        directory: str | Path = ".",
    ) -> None:
        from ._core.operations.registry import OPERATIONS

        with _told_in_a_line():  # before anything is registered
            declared = members(declaration, OPERATIONS, str(directory))
            read = functools.cache(plain_objects)  # for all clusters once
            found = [with_objects(member, read) for member in declared]
        super().__init__("mesh:index:Mesh", name, None, opts)
        self.clusters: dict[str, dict[str, Any]] = {}
        """The resources of each cluster, by operation and key such as ``gateway istio-ingress/ingress``."""
        with _told_in_a_line():
            for member in found:
                self.clusters[member.name] = self._cluster(name, member)
        self.register_outputs({"clusters": sorted(self.clusters)})

    @classmethod
    def from_file(cls, name: str, path: str | Path, opts: pulumi.ResourceOptions | None = None) -> Mesh:
        """The mesh that a file declares; relative paths in it start where it is."""
        with _told_in_a_line():
            declaration = load(str(path))
        return cls(name, declaration, opts, directory=Path(path).parent)

    def _cluster(self, name: str, member: Member) -> dict[str, pulumi.CustomResource]:
        given = {key: getattr(member.connection, key) for key in ("kubeconfig", "context")}
        arguments: Any = {key: value for key, value in given.items() if value is not None}
        provider = resources.Provider(f"{name}-{member.name}", pulumi.ResourceOptions(parent=self), **arguments)
        made: dict[str, pulumi.CustomResource] = {}
        before: list[pulumi.CustomResource] = []
        stage = ""
        for operation, key, options in _things(member):
            if operation != stage:
                stage, before = operation, list(made.values())
            if f"{operation} {key}" in made:
                raise MeshError(
                    "invalid_option", "is declared twice", where=f"clusters.{member.name}: {operation} {key}"
                )
            kind = getattr(resources, pascal(operation))
            shown = f"{name}-{member.name}-{operation.replace('_', '-')}-{key}"
            opts = pulumi.ResourceOptions(parent=self, provider=provider, depends_on=before)
            made[f"{operation} {key}"] = kind(shown, options, opts)
        return made


@contextlib.contextmanager
def _told_in_a_line() -> Iterator[None]:
    """The engine shows a traceback for every other error."""
    try:
        yield
    except MeshError as error:
        raise pulumi.RunError(str(error)) from None


#: Options that tell an item from others of its operation; a default where the item need not say it.
_KEYS: dict[str, tuple[tuple[str, str], ...]] = {
    "control_plane": (("revision", "default"),),
    "revision_tag": (("tag", ""),),
    "gateway": (("namespace", "istio-ingress"), ("name", "")),
    "gateway_api": (("namespace", "kube-system"),),
    "waypoint": (("namespace", ""), ("name", "waypoint")),
    "workload_group": (("namespace", ""), ("name", "")),
    "network_service": (("namespace", "nsm-system"), ("name", "")),
    "nsm_client": (("namespace", ""), ("name", "")),
    "config_set": (("namespace", ""), ("name", "")),
}


def _things(member: Member) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """``(operation, key, options)``; namespaces that are injected are resources of their own, so that none of them is
    let go when the list changes."""
    for item in member.items:
        if item.operation == "injection":
            for namespace in item.options["namespaces"]:
                yield item.operation, namespace, {**item.options, "namespaces": [namespace]}
        else:
            key = "/".join(str(item.options.get(name, default)) for name, default in _KEYS[item.operation])
            yield item.operation, key, item.options
