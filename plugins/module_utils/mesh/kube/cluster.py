# SPDX-License-Identifier: Apache-2.0
"""One cluster as the engine and the operations see it: read, apply, delete, watch, try."""

from __future__ import annotations

import functools
import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ..model.errors import MeshError
from ..model.objects import Object, Ref, group_of, ref
from ..model.operation import PlainAnswer
from ..model.options import Connection
from ..model.secrets import of_object
from . import webhooks
from .config import endpoint
from .discovery import Kinds, Resource, discover
from .failures import ApiFailure, Unanswered, of_server, plain
from .schemas import Schemas
from .transport import IN_FLIGHT, Transport

#: Objects in one page of a list: a page of the largest Istio objects has some 20 MiB.
_PAGE = 2000
#: Seconds between looks whether a kind that is not answered for is still served.
_GOING = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

T = TypeVar("T")
R = TypeVar("R")


class Cluster:
    """An API server with its kinds. Safe to use from several threads; ``name`` is for people."""

    def __init__(self, transport: Transport, name: str) -> None:
        self.transport = transport
        self.name = name
        self.schemas = Schemas(transport)
        #: Receives a line of progress at a time.
        self.tell: Callable[[str], None] = lambda _line: None
        self.pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix=f"mesh-{name}")

    def close(self) -> None:
        """End the worker threads."""
        self.transport.cancel()
        self.pool.shutdown(wait=False, cancel_futures=True)

    def map(self, act: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``act`` on each, at most IN_FLIGHT at once; results in order. The first error ends it, once what is under way
        has ended. Workers draw from one iterator: a task per item costs more than many a request."""
        todo = list(items)
        if len(todo) < 2:
            return [act(item) for item in todo]
        left, lock = iter(enumerate(todo)), threading.Lock()
        results: dict[int, R] = {}
        errors: list[Exception] = []

        def work() -> None:
            while not errors:
                with lock:
                    index, item = next(left, (-1, todo[0]))
                if index < 0:
                    return
                try:
                    results[index] = act(item)
                except Exception as error:
                    errors.append(error)

        for worker in [self.pool.submit(work) for _worker in range(min(IN_FLIGHT, len(todo)))]:
            worker.result()
        if errors:
            raise errors[0]
        return [results[index] for index in range(len(todo))]

    # -- what it is -------------------------------------------------------------------------------------------

    @functools.cached_property
    def server_version(self) -> str:
        """Kubernetes version without v and vendor suffix, such as ``1.36.3``."""
        answer = self.transport.request("GET", "/version")
        if "gitVersion" not in answer:
            raise MeshError("api_error", "the answer is no Kubernetes version", where="/version", hint=_BEFORE)
        return str(answer["gitVersion"]).lstrip("v").partition("+")[0]

    @functools.cached_property
    def kinds(self) -> Kinds:
        """The kinds that the cluster serves, as of the first look."""
        return discover(self.transport)

    @property
    def api_versions(self) -> frozenset[str]:
        """What Helm calls API versions."""
        return self.kinds.api_versions

    def forget_kinds(self) -> None:
        """Look again next time: CRDs were added or removed."""
        self.__dict__.pop("kinds", None)
        self.schemas = Schemas(self.transport)

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Where a kind is served, or None."""
        return self.kinds.find(group_of(api_version), kind, api_version.rpartition("/")[2])

    def resource_of(self, obj: Mapping[str, Any]) -> Resource:
        """Where an object's kind is served; raises MeshError ``missing_dependency``."""
        found = self.resource(obj["apiVersion"], obj["kind"])
        if found is None:
            raise MeshError(
                "missing_dependency",
                f"the cluster does not serve {obj['apiVersion']} {obj['kind']}",
                where=str(ref(obj)),
                hint="install the CRD first, or correct apiVersion and kind",
            )
        return found

    def _served(self, identity: Ref) -> Resource:
        resource = self.kinds.find(identity.group, identity.kind)
        if resource is None:
            raise MeshError("missing_dependency", "the cluster does not serve this kind", where=str(identity))
        return resource

    # -- reading ----------------------------------------------------------------------------------------------

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None when it or its kind is not there."""
        resource = self.resource(api_version, kind)
        return self.get_at(resource, namespace, name) if resource else None

    def get_at(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """One object, or None."""
        try:
            where = f"{resource.kind} {namespace + '/' if namespace else ''}{name}"
            found = self.transport.request("GET", resource.path(namespace, name), where=where)
            self._learn(resource.kind, found)
            return _about(Ref(resource.group, resource.kind, namespace if resource.namespaced else "", name), found)
        except ApiFailure as error:
            if error.status == 404:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> Sequence[Object]:
        """All objects of a kind; empty when the kind is not served."""
        resource = self.resource(api_version, kind)
        return self.list_at(resource, namespace, selector)[0] if resource else []

    def list_at(
        self, resource: Resource, namespace: str = "", selector: str = "", *, optional: bool = False
    ) -> tuple[Sequence[Object], str]:
        """Objects with apiVersion and kind filled in (lists omit them), and the list's resourceVersion. Empty when the
        kind has gone since it was looked for."""
        for seconds in (*_GOING, None):
            try:
                return self._list(resource, namespace, selector, optional=optional)
            except ApiFailure as error:
                # While a definition goes, the server tells of a kind that nobody answers for any more.
                if error.status != 404 or optional or seconds is None:
                    raise
            self.forget_kinds()
            if self.kinds.find(resource.group, resource.kind) is None:
                break
            self.transport.pause(seconds, f"list {resource.plural}")
        return [], ""

    def events_about(self, obj: Object) -> Sequence[Object]:
        """The Events about this object, and not about an earlier one of its name. Servers keep them for an hour."""
        resource, key = self.resource("v1", "Event"), ref(obj)
        if resource is None:
            return []
        wanted = {"kind": key.kind, "name": key.name}
        fields = ",".join(f"involvedObject.{name}={value}" for name, value in wanted.items())
        uids = (None, "", obj["metadata"].get("uid"))
        found = self._list(resource, key.namespace, "", fields=fields)[0]
        about = ((event, event.get("involvedObject") or {}) for event in found)
        return [event for event, told in about if wanted.items() <= told.items() and told.get("uid") in uids]

    def _list(
        self, resource: Resource, namespace: str, selector: str, *, fields: str = "", optional: bool = False
    ) -> tuple[Sequence[Object], str]:
        selectors = {"labelSelector": selector, "fieldSelector": fields}
        query: dict[str, Any] = {"limit": _PAGE, **{key: value for key, value in selectors.items() if value}}
        found = []
        while True:
            where = f"list {resource.plural}"
            page = self.transport.request("GET", resource.path(namespace), query=query, where=where, optional=optional)
            for item in _items(page, where):
                found.append({"apiVersion": resource.api_version, "kind": resource.kind, **item})
                self._learn(resource.kind, item)
            metadata = page.get("metadata", {})
            if not metadata.get("continue"):
                return found, metadata.get("resourceVersion", "")
            query["continue"] = metadata["continue"]

    def names_at(self, resource: Resource, namespace: str, most: int) -> set[str] | None:
        """The names of all objects of a kind in a namespace; None when there are more than ``most``."""
        page = self.transport.request(
            "GET",
            resource.path(namespace),
            query={"limit": most},
            accept=_NAMES_ONLY,
            where=f"list {resource.plural}",
        )
        if page.get("metadata", {}).get("continue"):
            return None
        return {item["metadata"]["name"] for item in _items(page, f"list {resource.plural}")}

    def watch(
        self, resource: Resource, namespace: str, selector: str, version: str, seconds: int
    ) -> Iterator[dict[str, Any]]:
        """Events since ``version`` for at most ``seconds``."""
        query = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": seconds,
            **({"labelSelector": selector} if selector else {}),
        }
        events = self.transport.stream(resource.path(namespace), query, read_timeout=seconds + 5.0)
        return itertools.takewhile(_is_event, events)

    def _learn(self, kind: str, obj: Mapping[str, Any]) -> None:
        """No text is to show what a Secret holds, such as the refusal of a change to it."""
        if kind == "Secret":
            self.transport.secrets.learn(of_object({**obj, "kind": kind}))

    # -- writing ----------------------------------------------------------------------------------------------

    def apply(self, obj: Object, manager: str, *, force: bool = False, dry_run: bool = False) -> Object:
        """Server-side apply; unknown fields are errors (fieldValidation=Strict)."""
        resource = self.resource_of(obj)
        identity = ref(obj)
        self._learn(identity.kind, obj)
        query = {"fieldManager": manager, "fieldValidation": "Strict", "force": "true" if force else "false"}
        applied = self.transport.request(
            "PATCH",
            resource.path(identity.namespace, identity.name),
            query={**query, **({"dryRun": "All"} if dry_run else {})},
            body=json.dumps(obj).encode(),
            content_type="application/apply-patch+yaml",
            where=str(identity),
        )
        return _about(identity, applied)

    def create(self, obj: Object) -> Object:
        """Create; raises ApiFailure 409 when there is one already. It may also be our own, of which the answer got
        lost."""
        resource = self.resource_of(obj)
        identity = ref(obj)
        return _about(identity, self.post(resource.path(identity.namespace), obj, str(identity)))

    def delete(
        self, identity: Ref, uid: str | None = None, *, version: str = "", with_dependents: bool = False
    ) -> bool:
        """Delete; False when it is gone, True when something (a finalizer, a pod's end) still keeps it.

        ``uid`` and ``version`` (resourceVersion) guard it; ``with_dependents``: it goes after what it owns (pods).
        """
        resource = self.kinds.find(identity.group, identity.kind)
        if resource is None:
            return False
        options: dict[str, Any] = {"propagationPolicy": "Foreground" if with_dependents else "Background"}
        guards = {key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value}
        if guards:
            options["preconditions"] = guards
        try:
            answer = self.transport.request(
                "DELETE",
                resource.path(identity.namespace, identity.name),
                body=json.dumps(options).encode(),
                where=str(identity),
                repeat="guarded" if guards else "safe",
            )
        except ApiFailure as error:
            if error.status == 404:
                return False
            raise
        return bool(answer.get("kind") != "Status")  # the object itself, as it waits for its end

    def merge_patch(self, identity: Ref, patch: Object, *, dry_run: bool = False) -> Object:
        """JSON merge patch; with metadata.resourceVersion in ``patch`` it is refused when the object changed."""
        resource = self._served(identity)
        self._learn(identity.kind, patch)
        patched = self.transport.request(
            "PATCH",
            resource.path(identity.namespace, identity.name),
            query={"fieldManager": "meshops", **({"dryRun": "All"} if dry_run else {})},
            body=json.dumps(patch).encode(),
            content_type="application/merge-patch+json",
            where=str(identity),
            repeat="guarded" if "resourceVersion" in patch.get("metadata", {}) else "safe",
        )
        return _about(identity, patched)

    def review(self, kind: str, spec: Object) -> Mapping[str, Any]:
        """What the server says that we may do, as the status of a SelfSubjectRulesReview or -AccessReview."""
        review = {"apiVersion": f"{_REVIEWS}/v1", "kind": kind, "spec": spec}
        status = self.post(f"/apis/{_REVIEWS}/v1/{kind.lower()}s", review, kind).get("status")
        if not isinstance(status, dict) or not status.keys() & {"allowed", "resourceRules"}:
            raise MeshError("api_error", "the answer is no review", where=kind, hint=_BEFORE)
        return status

    def post(self, path: str, body: Object, where: str = "") -> Any:
        """POST anything."""
        self._learn(str(body.get("kind")), body)
        return self.transport.request("POST", path, body=json.dumps(body).encode(), where=where)

    def token(self, namespace: str, service_account: str, audience: str, seconds: int) -> tuple[str, str]:
        """A token of a ServiceAccount (TokenRequest), and when it expires: the server may shorten its life."""
        request = {"audiences": [audience], "expirationSeconds": seconds}
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": request}
        where = f"token of ServiceAccount {namespace}/{service_account}"
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        status = self.post(path, body, where).get("status") or {}
        if not status.get("token"):
            raise MeshError("api_error", "the answer holds no token", where=where, hint=_BEFORE)
        return str(status["token"]), str(status.get("expirationTimestamp", ""))

    def pause(self, seconds: float) -> None:
        """Sleep; raises MeshError ``cancelled`` when the run is stopped meanwhile."""
        self.transport.pause(seconds)

    # -- trying -----------------------------------------------------------------------------------------------

    def dry_run_create(self, obj: Object) -> Object:
        """What admission would make of a new object; raises ApiFailure when it is refused. By server-side apply,
        because the right to create by POST cannot be limited to one name."""
        if self.resource(obj["apiVersion"], obj["kind"]) is None:
            self.forget_kinds()  # its definition may be served since a moment ago
        resource = self.resource_of(obj)
        identity = ref(obj)
        self._learn(identity.kind, obj)
        created: Object = self.transport.request(
            "PATCH",
            resource.path(identity.namespace, identity.name),
            # A webhook that cannot be reached yet would use up its own ten seconds; whoever tries, tries again.
            query={"dryRun": "All", "timeout": "2s", "fieldManager": "meshops", "force": "true"},
            body=json.dumps(obj).encode(),
            content_type="application/apply-patch+yaml",
            where=str(identity),
            repeat="once",
        )
        return created

    def proxy_get(self, namespace: str, service: str, path: str) -> bytes:
        """GET through the service proxy of the API server."""
        answer: bytes = self.transport.raw("GET", f"/api/v1/namespaces/{namespace}/services/{service}/proxy{path}")
        return answer

    def plain_get(self, namespace: str, pod: str, port: int) -> PlainAnswer:
        """Whether a pod turns away a plain HTTP request of the API server, which is no member of any mesh."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}:{port}/proxy/"
        try:
            status, body = self.transport.once(path, f"Pod {namespace}/{pod}")
        except Unanswered:
            return PlainAnswer(True, "plain text was not tried: the API server does not reach the pod in time")
        told = of_server(body) if status >= 400 else None
        if told is None:
            return PlainAnswer(False, f"a plain-text request was answered (HTTP {status})")
        if any(text in told for text in _CLOSED):
            return PlainAnswer(True, "plain text is refused")
        return PlainAnswer(True, f"plain text was not tried: {told}")

    def ask_webhook(self, client: Mapping[str, Any], review: Object, where: str) -> Object:
        """What an admission webhook (by its clientConfig) answers to an AdmissionReview. A Service is asked by way of
        the API server, as nobody else need be able to reach it."""
        service = client.get("service")
        if not service:
            return webhooks.ask(client, review, where)
        name = f"https:{service['name']}:{service.get('port', 443)}"
        path = f"/api/v1/namespaces/{service['namespace']}/services/{name}/proxy{service.get('path', '')}"
        answer: Object = self.post(path, review, where)
        return answer


#: How Go says that the other side closed the connection instead of answering.
_CLOSED = ("EOF", "connection reset by peer", "server closed idle connection")
_REVIEWS = "authorization.k8s.io"
_BEFORE = "look at what stands before the API server"


def _is_event(event: Any) -> bool:
    """Whether a line of a watch is one; after anything else the caller lists again."""
    try:
        return event["type"] in ("ERROR", "BOOKMARK") or bool(ref(event["object"]))
    except (KeyError, TypeError):
        return False


def _items(page: Object, where: str) -> Sequence[Object]:
    """The objects of one page of a list."""
    items = page.get("items") or ()
    if "items" not in page or not all(isinstance(item, dict) and item.get("metadata") for item in items):
        raise MeshError("api_error", "the answer is no list of objects", where=where, hint=_BEFORE)
    return tuple(items)


def _about(identity: Ref, answer: Any) -> Object:
    """The answer, when it is about the object that was asked for: nothing is decided by another one's state."""
    try:
        told = ref(answer)
    except (KeyError, TypeError, AttributeError):
        told = None
    if told != identity:
        text = f"the answer is about {plain(told)}" if told else "the answer is no object"
        raise MeshError("api_error", text, where=str(identity), hint=_BEFORE)
    return dict(answer)


def connect(connection: Connection, name: str = "") -> Cluster:
    """A cluster, not yet spoken to. ``name`` defaults to the context."""
    shown = name or connection.context or connection.host or "cluster"
    try:
        return Cluster(Transport(endpoint(connection), shown, lambda: endpoint(connection)), shown)
    except MeshError as error:
        raise error.at(shown) if name else error from None
