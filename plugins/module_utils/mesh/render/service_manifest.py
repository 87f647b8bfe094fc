# SPDX-License-Identifier: Apache-2.0
"""NetworkServices as they are written for kubectl. The API server keeps every key, and NSM drops those that it does not
know without a word (sdk-k8s pkg/tools/k8s/apis/networkservicemesh.io/v1): the keys are looked at here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..model.errors import MeshError
from ..model.nsm import API_VERSION
from ..model.secrets import quoted
from ..model.spec import name_of, unknown_option

_PLACE = "manifest"
OLD = "networkservicemesh.io/v1alpha1"
#: What kubectl keeps for itself.
_ASIDE = "kubectl.kubernetes.io/last-applied-configuration"


class Renamed(NamedTuple):
    """A key of 2019: its name today, and what comes of it in a resource of today's form."""

    name: str
    effect: str


class Noise(NamedTuple):
    """A key of 2019 that never said anything."""

    holds: str


#: At each level: keys of today, and those that look like them.
_MATCH = ("source_selector", "routes", "fallthrough", "metadata")
_ROUTE = ("destination_selector", "weight")
_OLD_MATCH: Mapping[str, Renamed | Noise] = {
    "sourceSelector": Renamed("source_selector", "the match fits every client, and hides those after it"),
    "route": Renamed("routes", "the match leads nowhere, and every request fails"),
    "match": Noise("source_selector and routes"),
}
_OLD_ROUTE: Mapping[str, Renamed | Noise] = {
    "destinationSelector": Renamed("destination_selector", "the route leads to any endpoint, past a firewall, too"),
    "destination": Noise("destination_selector"),
}
#: ``path_ids`` is NSM's own.
_SPEC = ("name", "payload", "matches", "path_ids")


class Read(NamedTuple):
    """Options as a manifest says them, the labels and annotations that it has, and warnings."""

    options: dict[str, Any]
    metadata: dict[str, dict[str, str]]
    warnings: list[str]


def read(manifest: Mapping[str, Any], name: str, namespace: str) -> Read:
    """``{payload, matches}`` of a manifest of either form. Raises MeshError ``invalid_option``."""
    old = _form(manifest)
    metadata = _mapping(manifest.get("metadata"), f"{_PLACE}.metadata")
    for key, said in (("name", name), ("namespace", namespace)):
        if metadata.get(key) not in (None, said):
            text = f"is {quoted(metadata[key])}, and the option {key} is {quoted(said)}"
            raise MeshError("invalid_option", text, where=f"{_PLACE}.metadata.{key}", hint="let them say the same")
    place = f"{_PLACE}.spec"
    spec = _mapping(manifest.get("spec"), place)
    for key in spec:
        if key not in _SPEC:
            raise unknown_option(str(key), place, list(_SPEC))
    if spec.get("name") not in (None, "", name):
        text = f"is {quoted(spec['name'])}: clients would have to ask for that name, and the resource has another one"
        raise MeshError("invalid_option", text, where=f"{place}.name", hint="leave it out")
    matches = [
        _match(item, f"{place}.matches[{index}]", old)
        for index, item in enumerate(_listed(spec.get("matches"), f"{place}.matches"))
    ]
    options = {"matches": matches, **({"payload": spec["payload"]} if spec.get("payload") else {})}
    text = f"{_PLACE}: {OLD} is the form of 2019, of which NSM reads nothing any more; it is written as {API_VERSION}"
    return Read(options, _marks(metadata), [text] if old else [])


def _form(manifest: Mapping[str, Any]) -> bool:
    """Whether it is of the old form."""
    if manifest.get("kind") != "NetworkService":
        text = f"must be NetworkService, not {quoted(manifest.get('kind'))}"
        raise MeshError("invalid_option", text, where=f"{_PLACE}.kind")
    version = str(manifest.get("apiVersion"))
    if version not in (API_VERSION, OLD):
        text = f"must be {API_VERSION} or {OLD}, not {quoted(version)}"
        raise MeshError("invalid_option", text, where=f"{_PLACE}.apiVersion")
    return version == OLD


def _marks(metadata: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    found = {}
    for key in ("labels", "annotations"):
        values = _mapping(metadata.get(key), f"{_PLACE}.metadata.{key}")
        kept = {str(name): value for name, value in values.items() if name != _ASIDE}
        for name, value in kept.items():
            if not isinstance(value, str):
                where = f"{_PLACE}.metadata.{key}.{name}"
                raise MeshError("invalid_option", f"must be a string, not {name_of(value)}; quote it", where=where)
        if kept:
            found[key] = kept
    return found


def _match(item: Any, place: str, old: bool) -> dict[str, Any]:
    match = dict(_of_today(_mapping(item, place), place, _MATCH, _OLD_MATCH, old))
    if "routes" in match:
        match["routes"] = [
            dict(_of_today(_mapping(route, f"{place}.routes[{index}]"), f"{place}.routes[{index}]", *_OF_ROUTES, old))
            for index, route in enumerate(_listed(match["routes"], f"{place}.routes"))
        ]
    return match


_OF_ROUTES = (_ROUTE, _OLD_ROUTE)


def _of_today(
    found: Mapping[str, Any], place: str, known: tuple[str, ...], others: Mapping[str, Renamed | Noise], old: bool
) -> Iterator[tuple[str, Any]]:
    """The keys and values under the names of today."""
    for key, value in found.items():
        where = f"{place}.{key}"
        other = others.get(key)
        if key in known:
            yield key, value
        elif other is None:
            raise unknown_option(str(key), place, list(known))
        elif isinstance(other, Noise):
            if value is not None or not old:
                text = "is a key of 2019 that NSM drops, with all that stands in it"
                hint = f"{other.holds} stand beside it, not in it" if value else "leave it out"
                raise MeshError("invalid_option", text, where=where, hint=hint)
        elif not old:
            text = f"is the spelling of 2019, which NSM drops without a word: {other.effect}"
            raise MeshError("invalid_option", text, where=where, hint=f"write {other.name}")
        elif other.name in found:
            raise MeshError("invalid_option", f"stands beside {other.name}, which says the same", where=where)
        else:
            yield other.name, value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None or isinstance(value, Mapping):
        return value or {}
    raise MeshError("invalid_option", f"must be a map, not {name_of(value)}", where=where)


def _listed(value: Any, where: str) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise MeshError("invalid_option", f"must be a list, not {name_of(value)}", where=where)
