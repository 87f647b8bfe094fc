# SPDX-License-Identifier: Apache-2.0
"""The kinds of Network Service Mesh as its registry brings them: the API server looks at nothing inside them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from mesh.kube.cluster import Cluster
from mesh.model.objects import ref

from tests.api.policies import until

GROUP = "networkservicemesh.io"
#: Kind -> its name in addresses, and the short ones.
_KINDS = {
    "NetworkService": ("networkservices", ["netsvc", "netsvcs"]),
    "NetworkServiceEndpoint": ("networkserviceendpoints", ["nse", "nses"]),
}


def definitions() -> list[dict[str, Any]]:
    """Both of them: version v1, whose spec keeps every field."""
    return [_definition(kind, plural, short) for kind, (plural, short) in _KINDS.items()]


def _definition(kind: str, plural: str, short: list[str]) -> dict[str, Any]:
    spec = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
    }
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "shortNames": short}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]},
    }


@contextlib.contextmanager
def kinds(cluster: Cluster) -> Iterator[None]:
    """They are served for the length of a block."""
    for obj in definitions():
        cluster.apply(obj, "test", force=True)
        until(partial(_is_served, cluster, obj))
    yield
    for obj in definitions():
        cluster.delete(ref(obj))
        until(partial(_is_gone, cluster, obj))
    cluster.forget_kinds()


def _is_served(cluster: Cluster, definition: dict[str, Any]) -> bool:
    cluster.forget_kinds()
    return cluster.kinds.find(GROUP, definition["spec"]["names"]["kind"]) is not None


def _is_gone(cluster: Cluster, obj: dict[str, Any]) -> bool:
    return cluster.get(obj["apiVersion"], obj["kind"], "", obj["metadata"]["name"]) is None
