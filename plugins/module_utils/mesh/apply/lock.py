# SPDX-License-Identifier: Apache-2.0
"""One run at a time changes a set: a Lease beside its inventory, held while there is something to write.

Without the right to leases a run goes on without a lock: what it writes is server-side apply, and converges.
"""

from __future__ import annotations

import getpass
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.errors import MeshError
from ..model.objects import PREFIX, Object, ObjectSet, Ref, annotations_of
from ..model.report import Progress
from ..model.sets import parent_name
from .waiting import Deadline

_API = "coordination.k8s.io/v1"
#: Seconds after which a lease that nobody renews may be taken over, and between renewals.
DURATION, RENEWAL = 30, 10.0
_PROCESS = PREFIX + "process"
_RUN = PREFIX + "run"
_TICK = 5.0
#: The runs of this process that hold leases or wait for them.
_ACTIVE: set[str] = set()


class Lock:
    """The leases of some sets, as a context. ``progress`` is told whom the run waits for; ``inventories`` by set id are
    those that are there: a lease goes with the inventory, should nobody give it back."""

    def __init__(
        self,
        cluster: Cluster,
        sets: Iterable[ObjectSet],
        deadline: Deadline,
        progress: Progress,
        inventories: Mapping[str, Object] | None = None,
    ) -> None:
        # Every run takes them in the same order, so no two wait for each other.
        self._sets = sorted(sets, key=lambda item: (item.namespace, item.id))
        self._cluster, self._deadline, self._progress = cluster, deadline, progress
        self._inventories = inventories or {}
        self._run = secrets.token_hex(8)
        self._held: dict[Ref, Object] = {}
        self._ended = threading.Event()
        self._renewal: threading.Thread | None = None

    def __enter__(self) -> Lock:
        _ACTIVE.add(self._run)
        try:
            for item in self._sets:
                self._take(item)
        except BaseException:
            self._give_back()
            raise
        if self._held:
            self._renewal = threading.Thread(target=self._renew, daemon=True, name=f"lock-{self._cluster.name}")
            self._renewal.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._renewal:
            self._renewal.join(RENEWAL)
        self._give_back()

    def _take(self, item: ObjectSet) -> None:
        key = Ref("coordination.k8s.io", "Lease", item.namespace, parent_name(item.id))
        told = time.monotonic() - _TICK
        pause = 0.1
        inventory = self._inventories.get(item.id)
        while True:
            try:
                made = self._make(key, inventory)
            except ApiFailure as error:
                if error.code != "forbidden":
                    raise
                self._progress("no permission for leases: going on without a lock")
                return
            if made is not None:
                self._held[key] = made
                return
            held = self._cluster.get(_API, "Lease", key.namespace, key.name)
            if held is None:
                continue
            if annotations_of(held).get(_RUN) == self._run:  # ours: only the answer was lost
                self._held[key] = held
                return
            if is_abandoned(self._cluster, held):
                taken = self._write(key, held, inventory)
                if taken is not None:
                    self._held[key] = taken
                    return
                continue
            if not self._deadline.left:
                raise MeshError("locked", f"is locked by {_holder(held)}", where=f"set {item.id}", hint=_hint(key))
            if time.monotonic() - told >= _TICK:
                told = time.monotonic()
                self._progress(f"waiting for {_holder(held)}, which is at work on set {item.id}")
            self._cluster.transport.pause(min(pause, self._deadline.left or 0.01))
            pause = min(pause * 1.5, 1.0)
            inventory = None  # whom we wait for may put another one in its place

    def _make(self, key: Ref, inventory: Object | None) -> Object | None:
        """The new lease; None when there is one."""
        content = self._content({"name": key.name, "namespace": key.namespace}, inventory)
        try:
            return self._cluster.create({"apiVersion": _API, "kind": "Lease", **content})
        except ApiFailure as error:
            if error.status == 409:
                return None
            if error.status == 404:
                raise MeshError(
                    "missing_dependency",
                    f"there is no namespace {key.namespace} for the inventory",
                    where=f"Namespace {key.namespace}",
                    hint="create it first, or declare it among the objects",
                ) from None
            raise

    def _write(self, key: Ref, held: Object, inventory: Object | None) -> Object | None:
        """The lease in our name; None when somebody was faster."""
        try:
            version = {"resourceVersion": held["metadata"]["resourceVersion"]}
            return self._cluster.merge_patch(key, self._content(version, inventory))
        except ApiFailure as error:
            if error.status in (404, 409):
                return None
            raise

    def _content(self, metadata: dict[str, str], inventory: Object | None) -> Object:
        now = _time(self._cluster.transport.server_time)
        marks = {_PROCESS: _process(os.getpid()), _RUN: self._run}
        return {
            "metadata": {**metadata, **_owned_by(inventory), "annotations": marks},
            "spec": {
                "holderIdentity": f"{_user()}@{socket.gethostname()} (process {os.getpid()})",
                "leaseDurationSeconds": DURATION,
                "acquireTime": now,
                "renewTime": now,
            },
        }

    def _renew(self) -> None:
        while not self._ended.wait(RENEWAL):
            for key, held in list(self._held.items()):
                patch = {
                    "metadata": {"resourceVersion": held["metadata"]["resourceVersion"]},
                    "spec": {"renewTime": _time(self._cluster.transport.server_time)},
                }
                try:
                    self._held[key] = self._cluster.merge_patch(key, patch)
                except ApiFailure as error:
                    if error.status == 404:  # it goes with its namespace when that is part of the removal
                        del self._held[key]
                    elif error.status == 409:
                        # Somebody took over after we were silent for too long: two must not write.
                        del self._held[key]
                        self._progress(f"the lock {key} was lost; stopping")
                        self._cluster.transport.cancel()
                        return
                except MeshError:
                    continue  # not reachable right now; the next request of the run will tell

    def _give_back(self) -> None:
        with self._cluster.transport.last_words():
            for key, held in self._held.items():
                try:
                    self._cluster.delete(key, version=held["metadata"]["resourceVersion"])
                except MeshError:
                    continue  # it expires
        self._held.clear()
        _ACTIVE.discard(self._run)


def _owned_by(inventory: Object | None) -> dict[str, Any]:
    """By which the API server's garbage collector takes the lease away after the inventory."""
    metadata = (inventory or {}).get("metadata", {})
    if not metadata.get("uid"):
        return {}
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": metadata["name"], "uid": metadata["uid"]}
    return {"ownerReferences": [owner]}


def left_behind(cluster: Cluster, item: ObjectSet) -> bool:
    """Whether a run that died left the lease of a set; one GET."""
    try:
        held = cluster.get(_API, "Lease", item.namespace, parent_name(item.id))
    except ApiFailure as error:
        if error.code == "forbidden":
            return False
        raise
    return held is not None and is_abandoned(cluster, held)


def is_abandoned(cluster: Cluster, held: Object) -> bool:
    """Whether the holder died: its process on this machine is gone, or it no longer renews. Both clocks that are
    compared are the API server's."""
    process, holder = annotations_of(held).get(_PROCESS, ""), annotations_of(held).get(_RUN, "")
    if process == _process(os.getpid()):
        return holder not in _ACTIVE
    if process and _is_of_this_machine(process) and process != _process(int(process.split(":")[2])):
        return True
    renewed = held["spec"].get("renewTime") or held["metadata"]["creationTimestamp"]
    age = cluster.transport.server_time - datetime.fromisoformat(renewed).timestamp()
    return bool(age > held["spec"].get("leaseDurationSeconds", DURATION) + 2)


def _holder(held: Object) -> str:
    return f"{held['spec'].get('holderIdentity', 'somebody')} since {held['spec'].get('acquireTime', '?')}"


def _hint(key: Ref) -> str:
    return f"wait until that run ends; if it died on another machine, its lease {key} expires after {DURATION} s"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _machine() -> str:
    """Names this machine until it boots again, and in it the space of process ids; empty where Linux is not."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return f"{file.read().strip()}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""


def _process(pid: int) -> str:
    """``machine:pid space:pid:start time`` of a living process; a number that was used again differs in the last."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            started = file.read().rpartition(")")[2].split()[19]  # field 22, proc(5)
    except OSError:
        started = "gone"
    return f"{_machine()}:{pid}:{started}"


def _is_of_this_machine(process: str) -> bool:
    return bool(_machine()) and process.startswith(_machine() + ":") and process.count(":") == 3
