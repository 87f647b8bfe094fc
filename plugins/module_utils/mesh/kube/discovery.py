# SPDX-License-Identifier: Apache-2.0
"""Which kinds a cluster serves and where: two requests, by aggregated discovery (KEP-3352)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..model.errors import MeshError
from ..model.objects import GroupKind
from .transport import Transport

_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


@dataclass(frozen=True)
class Resource:
    """Where a kind is served: ``/apis/{group}/{version}/[namespaces/{ns}/]{plural}``."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """``apps/v1`` or ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of the collection (all namespaces without ``namespace``) or of one object."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{_segment(namespace)}" if self.namespaced and namespace else ""
        tail = "".join(f"/{_segment(part)}" for part in (name, subresource) if part)
        return f"{base}{scope}/{self.plural}{tail}"


def _segment(name: str) -> str:
    """A name as part of a path. What Kubernetes allows in no name would lead to another place."""
    if name in (".", "..") or "/" in name or "%" in name:
        raise MeshError("invalid_object", f"{name!r} can be no name", hint="correct metadata.name or namespace")
    return quote(name, safe=":")


class Kinds:
    """The kinds of a cluster: the preferred version of each, and all served versions."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._served: dict[tuple[str, str, str], Resource] = {}
        self._preferred: dict[GroupKind, Resource] = {}
        for resource in resources:
            self._served.setdefault((resource.group, resource.version, resource.kind), resource)
            self._preferred.setdefault(GroupKind(resource.group, resource.kind), resource)

    def find(self, group: str, kind: str, version: str = "") -> Resource | None:
        """The resource of a kind; any served version when ``version`` is empty."""
        if version:
            return self._served.get((group, version, kind))
        return self._preferred.get(GroupKind(group, kind))

    def __iter__(self) -> Any:
        return iter(self._preferred.values())

    @property
    def served(self) -> Iterable[Resource]:
        """Every version of every kind."""
        return self._served.values()

    @property
    def api_versions(self) -> frozenset[str]:
        """Group-versions and group-version-kinds, as Helm's Capabilities.APIVersions has them."""
        served = self._served.values()
        return frozenset({r.api_version for r in served} | {f"{r.api_version}/{r.kind}" for r in served})


def discover(transport: Transport) -> Kinds:
    """Ask the API server for its kinds."""
    found: list[Resource] = []
    for path in ("/api", "/apis"):
        answer = transport.request("GET", path, accept=_ACCEPT)
        if answer.get("kind") != "APIGroupDiscoveryList":
            raise MeshError(
                "unsupported", "the API server has no aggregated discovery", hint="Kubernetes 1.30 or newer is needed"
            )
        try:
            for group in answer["items"]:
                found.extend(_resources(group))
        except (KeyError, TypeError, AttributeError):
            raise MeshError("api_error", "the list of kinds is not one that can be read", where=path) from None
    return Kinds(found)


def _resources(group: Mapping[str, Any]) -> Iterable[Resource]:
    group_name = group["metadata"].get("name", "")
    for version in group.get("versions", ()):
        for item in version.get("resources", ()):
            yield Resource(
                group=group_name,
                version=version["version"],
                kind=item["responseKind"]["kind"],
                plural=item["resource"],
                namespaced=item["scope"] == "Namespaced",
                verbs=frozenset(item.get("verbs", ())),
            )


def of_crds(objects: Iterable[Mapping[str, Any]]) -> Iterable[Resource]:
    """The resources that CustomResourceDefinitions among ``objects`` will bring."""
    for crd in objects:
        if crd["kind"] != "CustomResourceDefinition":
            continue
        spec = crd["spec"]
        for version in spec["versions"]:
            if not version.get("served"):
                continue
            yield Resource(
                group=spec["group"],
                version=version["name"],
                kind=spec["names"]["kind"],
                plural=spec["names"]["plural"],
                namespaced=spec["scope"] == "Namespaced",
            )
