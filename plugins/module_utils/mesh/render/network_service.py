# SPDX-License-Identifier: Apache-2.0
"""A declaration of a network service, read: its matches wherever they come from, and the resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..model.errors import MeshError
from ..model.nsm import API_VERSION
from ..model.objects import Object
from ..model.spec import chosen, parse
from ..model.specs.network_service import NetworkServiceMatch, NetworkServiceSpec
from . import service_manifest
from .service_chains import Placed, expanded, ways

KIND = "NetworkService"
_PAYLOADS = ("IP", "ETHERNET")


@dataclass(frozen=True)
class Service:
    """What a declaration comes to."""

    payload: str
    matches: list[Placed]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read(spec: NetworkServiceSpec) -> Service:
    """Raises MeshError ``invalid_option``."""
    said = [name for name in ("chain", "chains", "matches", "manifest") if getattr(spec, name)]
    if len(said) > 1 and said != ["chain", "chains"]:
        raise MeshError("invalid_option", f"cannot go with {said[0]}: both say the whole", where=said[-1])
    if spec.manifest is not None:
        return _of_manifest(spec, spec.manifest)
    placed = [Placed(match, f"matches[{index}]") for index, match in enumerate(spec.matches)]
    return Service(spec.payload or "IP", placed or expanded(ways(spec)))


def _of_manifest(spec: NetworkServiceSpec, manifest: Mapping[str, Any]) -> Service:
    found = service_manifest.read(manifest, spec.name, spec.namespace)
    payload = found.options.get("payload")
    if payload is not None:
        chosen(str(payload), _PAYLOADS, "manifest.spec.payload")
        if spec.payload not in (None, payload):
            raise MeshError("invalid_option", f"is {payload}, and the option is not", where="manifest.spec.payload")
    matches = []
    for index, item in enumerate(found.options["matches"]):
        place = f"manifest.spec.matches[{index}]"
        matches.append(Placed(parse(NetworkServiceMatch, item, place), place))
    return Service(payload or spec.payload or "IP", matches, found.metadata, found.warnings)


def resource(spec: NetworkServiceSpec, service: Service, *, emptied: bool) -> Object:
    """The NetworkService. ``emptied``: it has matches that must go where none are declared."""
    matches = [_match(item.match) for item in service.matches]
    # A registry gives back a payload that nobody wrote as none.
    body = {"payload": service.payload, **({"matches": matches} if matches or emptied else {})}
    metadata = {**service.metadata, "name": spec.name, "namespace": spec.namespace}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": body}


def _match(match: NetworkServiceMatch) -> dict[str, Any]:
    routes = [
        {
            "destination_selector": route.destination_selector,
            **({"weight": route.weight} if route.weight is not None else {}),
        }
        for route in match.routes
    ]
    return {
        **({"source_selector": match.source_selector} if match.source_selector else {}),
        **({"fallthrough": True} if match.fallthrough else {}),
        **({"metadata": {"labels": match.metadata.labels}} if match.metadata else {}),
        **({"routes": routes} if routes else {}),
    }
