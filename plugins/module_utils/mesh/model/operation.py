# SPDX-License-Identifier: Apache-2.0
"""An operation is a value: what to observe, what to refuse, what to want, how to prove it. The engine runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar, Union

from .errors import MeshError
from .objects import Object, ObjectSet, Ref
from .permissions import Permission

S = TypeVar("S")
F = TypeVar("F")

State = Literal["present", "absent", "released"]


class Reader(Protocol):
    """What an operation may see of a cluster while it decides. Nothing here writes."""

    name: str

    @property
    def server_version(self) -> str:
        """Kubernetes version such as ``1.36.3``."""

    @property
    def api_versions(self) -> frozenset[str]:
        """``v1``, ``apps/v1``, ``apps/v1/Deployment``, ...: what Helm calls API versions."""

    def get(self, api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        """One object, or None."""

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> Sequence[Object]:
        """All objects of a kind, by label selector; empty when the kind is not served."""


class Asker(Reader, Protocol):
    """A reader that can also ask admission webhooks themselves."""

    def ask_webhook(self, client: Mapping[str, Any], review: Object, where: str) -> Object:
        """What a webhook (by its clientConfig) would answer to an AdmissionReview."""


class Prober(Reader, Protocol):
    """A reader that can also ask the API server what it *would* do, and look at running things."""

    def dry_run_create(self, obj: Object) -> Object:
        """The object as admission would store it; raises MeshError when it is refused."""

    def proxy_get(self, namespace: str, service: str, path: str) -> bytes:
        """GET through the API server's service proxy; ``service`` as ``https:istiod:443``."""


class Issuer(Reader, Protocol):
    """A reader that can also have tokens issued."""

    def token(self, namespace: str, service_account: str, audience: str, seconds: int) -> tuple[str, str]:
        """A token of a ServiceAccount, and when it expires (RFC 3339)."""


class PlainAnswer(NamedTuple):
    """What came of a plain-text request: whether the peer turned it away, and in words."""

    refused: bool
    text: str


class Examiner(Asker, Prober, Issuer, Protocol):
    """All that a query may do: read, ask, try out, have tokens issued."""

    def plain_get(self, namespace: str, pod: str, port: int) -> PlainAnswer:
        """A plain HTTP request to a pod, made by the API server, which is no member of a mesh."""

    def pause(self, seconds: float) -> None:
        """Sleep; raises MeshError ``cancelled`` when the run is stopped meanwhile."""

    @property
    def tell(self) -> Callable[[str], None]:
        """Receives a line of progress at a time."""


@dataclass(frozen=True)
class Finding:
    """What a preflight found. A ``pending`` finding stops a real run only: check mode goes on with a warning, because
    what is missing may be made by an earlier step of the same (not yet run) play. A ``foreign`` one is an error, unless
    what others have is to be adopted."""

    level: Literal["error", "foreign", "pending", "warning"]
    error: MeshError


@dataclass(frozen=True)
class Proof:
    """Readiness by behaviour: ``probe`` returns None when proven, else the reason why not yet.

    ``evident`` spares the probe when the live objects show already that it was proven.
    """

    name: str
    probe: Callable[[Prober], str | None]
    evident: Callable[[Mapping[Ref, Object]], bool] = lambda _live: False


@dataclass(frozen=True)
class Removal:
    """What ``absent`` takes away: sets, and what controllers left behind, by name or by (apiVersion, kind, label
    selector)."""

    sets: tuple[ObjectSet, ...]
    leftovers: tuple[Ref, ...] = ()
    selectors: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Restart:
    """A workload whose pods are to be made anew. ``goal`` tells for what: who finds it on a workload that is just
    rolling, knows that the restart is under way."""

    workload: Object
    goal: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Results of an operation that tells no more than every report does."""


@dataclass(frozen=True)
class Declarative(Generic[S, F]):
    """Wanted objects by spec and facts; check mode, diff, preview and drift are all its plan."""

    name: str
    spec: type[S]
    observe: Callable[[Reader, S], F]
    wanted: Callable[[S, F], Sequence[ObjectSet]]
    removal: Callable[[S, F], Removal]
    preflight: Callable[[S, F, State], Iterable[Finding]] = lambda _spec, _facts, _state: ()
    proofs: Callable[[S, F], Sequence[Proof]] = lambda _spec, _facts: ()
    result: Callable[[S, F, Mapping[Ref, Object]], dict[str, Any]] = lambda _spec, _facts, _live: {}
    #: Spec of the keys of ``result``: their types and docs.
    returns: type = Nothing
    #: What of an earlier declaration a later one of the same thing leaves behind, to be taken away; None for nothing.
    left: Callable[[S, S], S | None] = lambda _before, _after: None
    #: The declaration that what is there tells of, by a spec that has no more than an identity (an import).
    recovered: Callable[[S, Iterable[Object]], S] = lambda spec, _live: spec
    states: tuple[State, ...] = ("present", "absent", "released")
    #: Whether what it wants can be written down without a cluster.
    renders: bool = True
    #: What controllers made of it and keep, and that must be ready, too.
    made: Callable[[Reader, S], Iterable[Object]] = lambda _cluster, _spec: ()
    #: What goes after it by itself, and must be gone before what it stands on goes.
    lingering: Callable[[Reader, S], Iterable[Object]] = lambda _cluster, _spec: ()
    #: Workloads to be restarted once all is as declared, present or absent; the last argument is False where that is
    #: only foreseen.
    restarts: Callable[[Prober, S, F, State, bool], Sequence[Restart]] = lambda *_: ()
    #: How many of them at the same time.
    at_once: Callable[[S], int] = lambda _spec: 1
    #: What one must be allowed to do where an imagined cluster would never ask for it.
    needs: Callable[[S], Iterable[Permission]] = lambda _spec: ()
    #: What controllers will have left behind when the removal comes; in whatever namespace where it names none.
    leaves: Callable[[S], Iterable[Object]] = lambda _spec: ()


@dataclass(frozen=True)
class Query(Generic[S]):
    """Reads and answers; never changes anything."""

    name: str
    spec: type[S]
    answer: Callable[[Examiner, S], dict[str, Any]]
    #: A spec whose options are what the answer tells.
    returns: type
    #: What one must be allowed to do where an imagined cluster would never ask for it.
    needs: Callable[[S], Iterable[Permission]] = lambda _spec: ()
    #: Whether the answer is worth keeping: then it is a resource in Pulumi, and no function.
    kept: bool = False


AnyOperation = Union[Declarative[Any, Any], Query[Any]]  # noqa: UP007 - evaluated where Ansible checks imports
