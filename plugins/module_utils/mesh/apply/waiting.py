# SPDX-License-Identifier: Apache-2.0
"""Waiting until objects are ready or gone: watches, all at once, one deadline, an early end with the reason."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..kube.cluster import Cluster
from ..kube.discovery import Resource
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import Object, Ref, ref
from ..model.report import Progress
from .diagnosis import diagnose
from .readiness import Status, status_of

#: Seconds between progress lines, and between looks at what others say of that which is not ready.
_TICK = 5.0
#: Seconds for which a hopeless state may last before it ends the wait: images and configuration may just be late.
_GRACE = 20.0
#: Seconds of one watch; a fresh LIST after it is the safety net for lost events.
_WATCH = 60
#: Seconds between two watches of the same objects, at least.
_PAUSE = 0.5
#: Seconds after which a cancelled run notices.
_GLANCE = 0.5
#: Answers to a watch after which a fresh LIST goes on: expired credentials, a version too old, overload, a restart.
_PASSING = frozenset({401, 410, 429, 500, 502, 503, 504})


@dataclass
class Deadline:
    """One deadline for a whole run."""

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        """Seconds until the end, never negative."""
        return max(0.0, self.seconds - self.elapsed)


class _Watch(threading.Thread):
    """Feeds every state of the objects of one kind and namespace into a queue, until it is stopped."""

    def __init__(self, cluster: Cluster, resource: Resource, namespace: str, out: queue.Queue[Object | Exception]):
        super().__init__(daemon=True, name=f"watch-{resource.plural}")
        self._cluster, self._resource, self._namespace, self._out = cluster, resource, namespace, out
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            started = time.monotonic()
            try:
                found, version = self._cluster.list_at(self._resource, self._namespace)
                for obj in found:
                    self._out.put(obj)
                for event in self._cluster.watch(self._resource, self._namespace, "", version, _WATCH):
                    if self.stopped.is_set():
                        return
                    if event["type"] in ("ADDED", "MODIFIED"):
                        self._out.put(event["object"])
                    elif event["type"] == "DELETED":
                        self._out.put(_gone(event["object"]))
                    elif event["type"] == "ERROR":  # 410: too old, list again
                        break
            except ApiFailure as error:
                # A refused watch is opened anew after a LIST, which says what cannot be mended.
                if error.status not in _PASSING:
                    self._out.put(error)
                    return
            except MeshError as error:
                self._out.put(error)
                return
            # A server that ends every watch at once must not be asked in a tight loop.
            self.stopped.wait(max(0.0, _PAUSE - (time.monotonic() - started)))


def _gone(obj: Object) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "deletionTimestamp": "gone"}}


def await_ready(
    cluster: Cluster, objects: Mapping[Ref, Object], deadline: Deadline, progress: Progress
) -> dict[Ref, Object]:
    """Wait for all of ``objects`` (as last seen) and return their last states; raises MeshError ``not_ready``."""
    state = dict(objects)
    waiting = {key: status for key, obj in state.items() if not (status := status_of(obj)).ready}
    if not waiting:
        return state
    out: queue.Queue[Object | Exception] = queue.Queue()
    places = {(cluster.resource_of(state[key]), key.namespace) for key in waiting}
    watches = [_Watch(cluster, resource, namespace, out) for resource, namespace in places]
    for watch in watches:
        watch.start()
    try:
        _loop(cluster, state, waiting, out, deadline, progress)
    finally:
        for watch in watches:
            watch.stopped.set()
    return state


def _loop(
    cluster: Cluster,
    state: dict[Ref, Object],
    waiting: dict[Ref, Status],
    out: queue.Queue[Object | Exception],
    deadline: Deadline,
    progress: Progress,
) -> None:
    total, next_tick = len(waiting), time.monotonic() + _TICK
    hopeless_since: dict[Ref, float] = {}
    while waiting:
        try:
            item = out.get(timeout=min(max(next_tick - time.monotonic(), 0.01), max(deadline.left, 0.01), _GLANCE))
        except queue.Empty:
            item = None
        cluster.transport.pause(0)
        if isinstance(item, Exception):
            raise item
        if item is not None and ref(item) in state:
            _note(item, state, waiting)
        if waiting and time.monotonic() >= next_tick:
            next_tick = time.monotonic() + _TICK
            progress(f"waiting, {total - len(waiting)} of {total} ready, {deadline.elapsed:.0f} s: {_listed(waiting)}")
            _end_early(cluster, state, waiting, hopeless_since)
        if waiting and not deadline.left:
            raise _not_ready(f"not ready after {deadline.seconds:.0f} s", waiting)


def _note(obj: Object, state: dict[Ref, Object], waiting: dict[Ref, Status]) -> None:
    key = ref(obj)
    if _older(obj, state[key]):
        return
    state[key] = obj
    status = status_of(obj)
    if status.ready:
        waiting.pop(key, None)
    elif key in waiting:
        waiting[key] = status


def _older(obj: Object, known: Object) -> bool:
    """Whether an event shows the object before what we know of it: caches of API servers may lag behind."""
    new, old = obj["metadata"], known["metadata"]
    return bool(new.get("uid") == old.get("uid") and new.get("generation", 0) < old.get("generation", 0))


def _end_early(
    cluster: Cluster, state: Mapping[Ref, Object], waiting: dict[Ref, Status], hopeless_since: dict[Ref, float]
) -> None:
    now = time.monotonic()
    for key in list(waiting):
        waiting[key] = diagnose(cluster, state[key]) or status_of(state[key])
        if waiting[key].failed:
            if now - hopeless_since.setdefault(key, now) > _GRACE:
                raise _not_ready("will not become ready", {key: waiting[key]})
        else:
            hopeless_since.pop(key, None)


def _listed(waiting: Mapping[Ref, Status], most: int = 3) -> str:
    shown = [f"{key} ({status.reason})" for key, status in sorted(waiting.items())[:most]]
    more = len(waiting) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _not_ready(what: str, waiting: Mapping[Ref, Status]) -> MeshError:
    hints = {status.hint for status in waiting.values()}
    told = hints.pop() if len(hints) == 1 else ""
    hint = told or "mend the cause and run again; what was applied stays"
    return MeshError("not_ready", f"{what}: {_listed(waiting, 5)}", hint=hint, pending=[str(key) for key in waiting])


def await_served(cluster: Cluster, kinds: Iterable[tuple[str, str]], deadline: Deadline) -> None:
    """Wait until discovery shows kinds, given as (apiVersion, kind): it follows a definition only after a moment."""
    wanted, pause = sorted(set(kinds)), 0.05
    while missing := [f"{version} {kind}" for version, kind in wanted if cluster.resource(version, kind) is None]:
        if not deadline.left:
            text = f"the cluster does not serve {', '.join(missing)} after {deadline.seconds:.0f} s"
            raise MeshError("not_ready", text, hint="look at the conditions of the CRD; run again when it is served")
        cluster.transport.pause(min(pause, deadline.left))
        pause = min(pause * 1.5, 1.0)
        cluster.forget_kinds()


def await_gone(cluster: Cluster, refs: Iterable[Ref], deadline: Deadline, progress: Progress) -> None:
    """Wait until objects are gone; raises MeshError ``not_ready`` that names their finalizers."""
    left = {key: resource for key in refs if (resource := cluster.kinds.find(key.group, key.kind))}
    next_tick, pause = time.monotonic() + _TICK, 0.1
    while True:
        seen = cluster.map(lambda item: cluster.get_at(item[1], item[0].namespace, item[0].name), left.items())
        found = dict(zip(left, seen, strict=True))
        left = {key: left[key] for key, obj in found.items() if obj is not None}
        if not left:
            return
        held = {key: Status(False, _held_by(obj)) for key, obj in found.items() if obj is not None}
        if not deadline.left:
            raise MeshError(
                "not_ready",
                f"still there after {deadline.seconds:.0f} s: {_listed(held, 5)}",
                hint="whoever set the finalizers must finish; we never force them",
                pending=[str(key) for key in left],
            )
        if time.monotonic() >= next_tick:
            next_tick = time.monotonic() + _TICK
            progress(f"waiting until {len(left)} objects are gone, {deadline.elapsed:.0f} s: {_listed(held)}")
        cluster.transport.pause(min(pause, deadline.left))
        pause = min(pause * 1.5, 1.0)


#: Conditions of a namespace that is being deleted, by which its controller says what is left in it.
_LEFT_INSIDE = ("NamespaceDeletionDiscoveryFailure", "NamespaceContentRemaining", "NamespaceFinalizersRemaining")


def _held_by(obj: Object) -> str:
    told = {item["type"]: item for item in obj.get("status", {}).get("conditions") or () if item["status"] == "True"}
    inside = [str(told[kind].get("message")) for kind in _LEFT_INSIDE if kind in told]
    if inside:
        return "; ".join(inside)
    finalizers = [*obj["metadata"].get("finalizers", ()), *obj.get("spec", {}).get("finalizers", ())]
    return f"finalizers {', '.join(finalizers)}" if finalizers else "being deleted"
