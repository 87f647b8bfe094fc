# SPDX-License-Identifier: Apache-2.0
"""An API server that is only imagined: what it is told to write it keeps to itself, and it notes what one must be
allowed to do for each request. Thus what a run needs is found by the run itself, and by no list that could grow stale.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from ..model.objects import CREATED_BY, PREFIX, Object, annotations_of, group_of, labels_of, ref
from ..model.permissions import RBAC, Needs, Permission
from .cluster import Cluster
from .config import Endpoint
from .discovery import Resource, of_crds
from .failures import failure
from .transport import Transport

_REVIEWS = "authorization.k8s.io"
_SCHEMAS = "/openapi/"
#: ``/api/v1/...`` and ``/apis/<group>/<version>/...``: group, namespace, resource, name, subresource.
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/(?P<namespace>[^/]+)(?=/.))?/(?P<resource>[^/]+)"
    r"(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+).*)?)?"
)
#: One requirement of a label selector: ``key``, ``key=value`` or ``key in (a,b)``.
_REQUIREMENT = re.compile(r"(?P<key>[^\s,=]+)(?:\s*=\s*(?P<value>[^,\s]*)|\s+in\s+\((?P<values>[^)]*)\))?")
_VERBS = frozenset({"create", "delete", "get", "list", "patch", "update", "watch"})


class Place(NamedTuple):
    """Where an object is, or (without name) a collection."""

    group: str
    resource: str
    namespace: str
    name: str
    subresource: str = ""


def imagine(cluster: Cluster, objects: Iterable[Object]) -> tuple[Cluster, Needs]:
    """An imagined twin of a cluster, which has these objects besides what is really there, and what it notes."""
    transport = _Imagined(cluster, objects)
    return Cluster(transport, cluster.name), transport.needs


class _Imagined(Transport):
    """Answers as an API server would, from memory."""

    def __init__(self, cluster: Cluster, objects: Iterable[Object]) -> None:
        # Without a pool: what would get past the methods below must fail, and not reach the real server.
        super().__init__(Endpoint(cluster.transport.server, cast(Any, None), cast(Any, None)), cluster.name)
        self._real = cluster
        self._kinds = cluster.kinds
        self._objects: dict[Place, Object | None] = {}
        self._looked: set[tuple[Place, str]] = set()
        self._lock = threading.Lock()
        self.needs = Needs()
        for obj in objects:
            group, kind, namespace, name = ref(obj)
            resource = self._kinds.find(group, kind)
            if resource:
                self._objects[Place(group, resource.plural, namespace, name)] = _merged(_NEW, obj)

    def request(self, method: str, path: str, **options: Any) -> Any:
        """The answer, noted."""
        if path == "/version":
            return {"gitVersion": f"v{self._real.server_version}"}
        if path in ("/api", "/apis"):
            return _discovery(self._served()) if path == "/apis" else {"kind": "APIGroupDiscoveryList", "items": []}
        if path.startswith(_SCHEMAS):  # what is imagined need not fit: it is looked at when it is declared in earnest
            raise failure(404, b"", path)
        place = _place(path)
        if place.group == _REVIEWS:  # everybody may ask what he may do
            return {"status": _EVERYTHING}
        query = options.get("query") or {}
        selector = str(query.get("labelSelector", ""))
        self._look(place, selector if method == "GET" else "")
        with self._lock:
            if method == "GET":
                return self._read(place, selector, options)
            body = json.loads(options.get("body") or b"{}")
            applied = options.get("content_type") == "application/apply-patch+yaml"
            return self._write(method, place, body, str(query["fieldManager"]) if applied else "", "dryRun" in query)

    def raw(self, method: str, path: str, *, decode: Callable[[bytes], Any] = bytes, **options: Any) -> Any:
        """The same as bytes."""
        return decode(json.dumps(self.request(method, path, **options)).encode())

    def once(self, path: str, where: str) -> tuple[int, bytes]:
        """Nobody is behind an imagined API server."""
        self._noted("get", _place(path))
        return 404, b""

    def stream(self, path: str, query: Mapping[str, Any], read_timeout: float) -> Iterator[dict[str, Any]]:
        """A watch in which everything is ready at once: no rule knows this version, and without a rule what is there
        is ready."""
        place = _place(path)
        with self._lock:
            self._noted("watch", place)
            found = self._there(place)
        for _where, obj in found:
            group = group_of(obj["apiVersion"])
            yield {"type": "MODIFIED", "object": {**obj, "apiVersion": f"{group}/imagined" if group else "imagined"}}

    def _read(self, place: Place, selector: str, options: Mapping[str, Any]) -> Any:
        if not place.name:
            if not options.get("optional"):
                self._noted("list", place)
            return {"items": [obj for _where, obj in self._there(place) if _selected(obj, selector)]}
        self._noted("get", place)
        found = self._objects.get(place)
        if found is None and _is_given(place):
            return _merged(_NEW, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place.name}})
        if found is None:
            raise failure(404, b"", str(options.get("where", "")))
        return found

    def _write(self, method: str, place: Place, body: Object, manager: str, dry_run: bool) -> Object:
        if method == "DELETE":
            self._noted("delete", place)
            found = self._objects.get(place)
            # The next run finds a lock whose holder died: it must be allowed to deal with that.
            ours = found and any(key.startswith(PREFIX) for key in annotations_of(found))
            self._objects[place] = _merged(found or {}, _DEAD) if place.resource == "leases" and ours else None
            return {}
        if method == "POST" and place.subresource:
            self._noted("create", place)
            return {**body, "status": {"token": "imagined"}}
        if method == "POST":
            self._noted("create", place)
            place = place._replace(name=body.get("metadata", {}).get("name", ""))
        else:
            self._noted("patch" if method == "PATCH" else "update", place)
        live = self._objects.get(place)
        if method == "POST" and live is not None:
            raise failure(409, b'{"reason": "AlreadyExists"}', place.name)
        if method == "PATCH" and live is None and not _is_given(place):
            self._noted("create", place)
        self._note_grants(place, body)
        written = _merged(live if method == "PATCH" and live else _NEW, body)
        if manager:
            written = _managed(written, body, manager)
        if _is_given(place):
            written = _given(written)
        if not dry_run:
            self._objects[place] = written
        return written

    def _noted(self, verb: str, place: Place) -> None:
        resource = f"{place.resource}/{place.subresource}" if place.subresource else place.resource
        # Pods come and go: who may call one, must be allowed to call the next.
        name = "" if (place.resource, place.subresource) == ("pods", "proxy") else place.name
        self.needs.permissions.add(Permission(verb, place.group, resource, place.namespace, name))

    def _note_grants(self, place: Place, obj: Object) -> None:
        """Nobody may give what he does not have."""
        if place.group == RBAC:
            self.needs.note_grant(obj, place.resource, place.namespace, place.name)

    def _there(self, place: Place) -> list[tuple[Place, Object]]:
        """What is in a collection."""
        return [
            (key, obj)
            for key, obj in self._objects.items()
            if obj is not None
            and (key.group, key.resource) == (place.group, place.resource)
            and place.namespace in ("", key.namespace)
        ]

    def _look(self, place: Place, selector: str) -> None:
        """Fetch what the real cluster has there, once; what is imagined already stays."""
        resource = self._resource(place)
        if resource is None or place.subresource or (place, selector) in self._looked:
            return
        if place.name:
            one = self._real.get_at(resource, place.namespace, place.name)
            found = {place: one}
        else:
            listed = self._real.list_at(resource, place.namespace, selector)[0]
            found = {_place_in(place, obj): obj for obj in listed}
        with self._lock:
            self._looked.add((place, selector))
            for key, obj in found.items():
                self._objects.setdefault(key, _given(obj) if obj else None)

    def _resource(self, place: Place) -> Resource | None:
        """Where the real cluster serves this; None when it does not."""
        return next((r for r in self._kinds.served if (r.group, r.plural) == (place.group, place.resource)), None)

    def _served(self) -> list[Resource]:
        with self._lock:
            objects = dict(self._objects)
        definitions = {key.name: obj for key, obj in objects.items() if key.resource == "customresourcedefinitions"}
        gone = {name for name, obj in definitions.items() if obj is None}
        kept = [item for item in self._kinds.served if f"{item.plural}.{item.group}" not in gone]
        known = {(item.group, item.version, item.plural) for item in kept}
        new = of_crds(obj for obj in definitions.values() if obj is not None)
        return [*kept, *(item for item in new if (item.group, item.version, item.plural) not in known)]


#: What of a lease shows that its holder died.
_DEAD: Object = {
    "metadata": {"annotations": {f"{PREFIX}process": ""}},
    "spec": {"renewTime": "1970-01-01T00:00:00Z"},
}
#: What a new object has of the server.
_NEW: Object = {"metadata": {"uid": "imagined", "resourceVersion": "1"}}
_EVERYTHING = {
    "allowed": True,
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}


def _is_given(place: Place) -> bool:
    """Roles live in namespaces, so whoever grants them makes these: a run under them finds them there."""
    return (place.group, place.resource) == ("", "namespaces")


def _place(path: str) -> Place:
    found = _PATH.fullmatch(path)
    if found is None:
        raise ValueError(f"no resource: {path}")
    return Place(**{key: value or "" for key, value in found.groupdict().items()})


def _place_in(collection: Place, obj: Object) -> Place:
    return collection._replace(namespace=obj["metadata"].get("namespace", ""), name=obj["metadata"]["name"])


def _given(obj: Object) -> Object:
    """As if somebody else had made it: a namespace that holds the roles must not go with the run that they allow."""
    if CREATED_BY not in annotations_of(obj):
        return obj
    return _merged(obj, {"metadata": {"annotations": {CREATED_BY: None}}})


def _merged(live: Object, patch: Object) -> Object:
    """JSON merge patch (RFC 7386); close enough to server-side apply for what is decided here."""
    result = dict(live)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = _merged(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def _managed(obj: Object, applied: Object, manager: str) -> Object:
    """With the managed fields of whom applied it. Lists are not taken apart: then more is looked at, never less."""
    others = [entry for entry in obj["metadata"].get("managedFields") or () if entry["manager"] != manager]
    entry = {"manager": manager, "operation": "Apply", "fieldsV1": _fields(applied)}
    return {**obj, "metadata": {**obj["metadata"], "managedFields": [*others, entry]}}


def _fields(value: Any) -> Object:
    return {f"f:{key}": _fields(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _selected(obj: Object, selector: str) -> bool:
    return all(_holds(labels_of(obj), found) for found in _REQUIREMENT.finditer(selector))


def _holds(labels: Mapping[str, str], requirement: re.Match[str]) -> bool:
    value = labels.get(requirement["key"])
    if requirement["values"] is not None:
        return value in [text.strip() for text in requirement["values"].split(",")]
    return value is not None and requirement["value"] in (None, value)


def _discovery(resources: Iterable[Resource]) -> Object:
    """The answer of aggregated discovery."""
    groups: dict[str, dict[str, list[Object]]] = {}
    for item in resources:
        scope = "Namespaced" if item.namespaced else "Cluster"
        kind = {"responseKind": {"kind": item.kind}, "scope": scope, "verbs": sorted(item.verbs or _VERBS)}
        groups.setdefault(item.group, {}).setdefault(item.version, []).append({"resource": item.plural, **kind})
    items = [
        {
            "metadata": {"name": group},
            "versions": [{"version": version, "resources": found} for version, found in versions.items()],
        }
        for group, versions in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}
