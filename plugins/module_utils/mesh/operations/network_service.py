# SPDX-License-Identifier: Apache-2.0
"""Network services of Network Service Mesh: which endpoints answer which clients, over which hops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..model import nsm
from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref
from ..model.operation import Declarative, Finding, Reader, Removal, State
from ..model.sets import manager
from ..model.spec import parse
from ..model.specs.network_service import NetworkServiceMatch, NetworkServiceResult, NetworkServiceSpec
from ..render import network_service as render
from ..render import service_drawing, service_matching
from ..render.injection import namespace

NAME = "network_service"


@dataclass(frozen=True)
class Facts:
    """Whether the cluster knows such resources, and all of them."""

    served: bool
    services: Sequence[Object]

    def live(self, spec: NetworkServiceSpec) -> Object | None:
        """The resource as it is."""
        return next((obj for obj in self.services if _place(obj) == (spec.namespace, spec.name)), None)


def observe(cluster: Reader, _spec: NetworkServiceSpec) -> Facts:
    """Read what decides."""
    served = f"{nsm.API_VERSION}/{render.KIND}" in cluster.api_versions
    return Facts(served, cluster.list(nsm.API_VERSION, render.KIND) if served else ())


def preflight(spec: NetworkServiceSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """What NSM would drop or misread without a word is refused, and so is a name that it knows already."""
    if state != "present":
        return
    service = render.read(spec)
    yield from service_matching.findings(service.matches)
    yield from (Finding("warning", MeshError("invalid_option", text)) for text in service.warnings)
    if not facts.served:
        text = "the cluster has no definition of NetworkService (networkservices.networkservicemesh.io)"
        hint = "install NSM first, or apply the definitions from its apps/registry-k8s"
        where = f"NetworkService {spec.namespace}/{spec.name}"
        yield Finding("pending", MeshError("missing_dependency", text, where=where, hint=hint))
    for obj in facts.services:
        leaving = "deletionTimestamp" in obj["metadata"]
        if _name(obj) == spec.name and _place(obj) != (spec.namespace, spec.name) and not leaving:
            text = f"is the name of NetworkService {'/'.join(_place(obj))}, too, and NSM looks in all namespaces for it"
            yield Finding("error", MeshError("invalid_option", text, where="name", hint="choose another, or remove it"))


def _place(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def _name(obj: Object) -> str:
    """The name by which clients ask."""
    return str((obj.get("spec") or {}).get("name") or obj["metadata"]["name"])


def wanted(spec: NetworkServiceSpec, facts: Facts) -> list[ObjectSet]:
    """The resource."""
    live = facts.live(spec)
    # What somebody else left there would stay if nothing were said of it.
    emptied = live is not None and "matches" in (live.get("spec") or {})
    return [_set(spec, (render.resource(spec, render.read(spec), emptied=emptied),))]


def removal(spec: NetworkServiceSpec, _facts: Facts) -> Removal:
    """The resource goes; connections that are there stay until their clients end them."""
    return Removal((_set(spec, ()),))


def _set(spec: NetworkServiceSpec, objects: tuple[Object, ...]) -> ObjectSet:
    set_id = f"netsvc-{spec.namespace}-{spec.name}"
    made = manager(NAME, spec.namespace, spec.name)
    return ObjectSet(set_id, spec.namespace, made, objects, (namespace(spec.namespace, {}),))


def result(spec: NetworkServiceSpec, _facts: Facts, _live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{drawing, mermaid}``."""
    matches = render.read(spec).matches
    return {"drawing": service_drawing.lines(matches), "mermaid": service_drawing.mermaid(matches)}


def recovered(spec: NetworkServiceSpec, live: Iterable[Object]) -> NetworkServiceSpec:
    """With the matches that are there."""
    bodies = [obj.get("spec") or {} for obj in live if obj["kind"] == render.KIND]
    if not bodies:
        return spec
    said = bodies[0].get("matches") or ()
    matches = [parse(NetworkServiceMatch, item, f"matches[{index}]") for index, item in enumerate(said)]
    return replace(spec, payload=bodies[0].get("payload"), matches=matches)


NETWORK_SERVICE: Declarative[NetworkServiceSpec, Facts] = Declarative(
    name=NAME,
    spec=NetworkServiceSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    result=result,
    returns=NetworkServiceResult,
    recovered=recovered,
)
