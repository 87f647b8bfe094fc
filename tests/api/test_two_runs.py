# SPDX-License-Identifier: Apache-2.0
"""Runs at the same time, runs that are stopped, and the lock between them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from mesh.apply import lock
from mesh.apply.engine import run
from mesh.kube.cluster import Cluster, connect
from mesh.model.errors import MeshError
from mesh.model.objects import Ref
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

from .conftest import API, ROOT, config_map

LEASE = "coordination.k8s.io/v1"


def declared(namespace, value, count=12):
    objects = [config_map(f"{value}-{index}", a=value) for index in range(count)] + [config_map("shared", a=value)]
    return {"name": namespace, "namespace": namespace, "objects": objects}


@pytest.fixture
def start(api):
    """Runs a config_set over a connection of its own, as another process would; returns (report, progress lines)."""

    def go(data, **options):
        told: list[str] = []
        operation = OPERATIONS["config_set"]
        cluster = connect(api.connection, "api")
        try:
            settings = parse(RunOptions, {"wait": False, **options})
            return run(operation, parse(operation.spec, data), cluster, settings, Mode(), told.append), told
        finally:
            cluster.close()

    return go


def members(cluster, namespace):
    found = cluster.list("v1", "ConfigMap", namespace, "applyset.kubernetes.io/part-of")
    return {obj["metadata"]["name"]: obj["data"]["a"] for obj in found}


def leases(cluster, namespace):
    return [obj["metadata"]["name"] for obj in cluster.list(LEASE, "Lease", namespace)]


def wanted(value, count=12):
    return {**{f"{value}-{index}": value for index in range(count)}, "shared": value}


def test_two_runs_with_the_same_wish_agree(cluster, namespace, start):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: start(declared(namespace, "x")), range(4)))
    assert members(cluster, namespace) == wanted("x")
    assert leases(cluster, namespace) == []
    report, _ = start(declared(namespace, "x"))
    assert not report.changed


def test_of_two_different_wishes_one_wins_as_a_whole(cluster, namespace, start):
    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda value: start(declared(namespace, value)), ("x", "y")))
        assert members(cluster, namespace) in (wanted("x"), wanted("y"))
    assert leases(cluster, namespace) == []


def hold(cluster, namespace, **changes):
    """A lease as a run on another machine would hold it."""
    now = lock._time(cluster.transport.server_time)
    spec = {"holderIdentity": "jane@elsewhere", "leaseDurationSeconds": 30, "acquireTime": now, "renewTime": now}
    metadata = {"name": f"meshops-config-{namespace}", "namespace": namespace}
    cluster.create({"apiVersion": LEASE, "kind": "Lease", "metadata": metadata, "spec": {**spec, **changes}})
    return Ref("coordination.k8s.io", "Lease", namespace, metadata["name"])


def test_who_holds_the_lock_is_named_and_nothing_is_written(cluster, namespace, start, api):
    hold(cluster, namespace)
    api.writes.clear()
    with pytest.raises(MeshError, match="locked by jane@elsewhere since") as caught:
        start(declared(namespace, "x"), wait_timeout=1)
    assert caught.value.code == "locked"
    assert members(cluster, namespace) == {}
    assert not [write for write in api.writes if "/leases" not in write]


def test_without_a_change_no_lock_is_needed(cluster, namespace, start):
    start(declared(namespace, "x"))
    hold(cluster, namespace)
    report, _ = start(declared(namespace, "x"), wait_timeout=1)
    assert not report.changed


def test_who_waits_for_the_lock_says_so_and_goes_on(cluster, namespace, start):
    key = hold(cluster, namespace)
    threading.Timer(1.0, lambda: cluster.delete(key)).start()
    report, told = start(declared(namespace, "x"), wait_timeout=20)
    assert report.changed
    assert any("waiting for jane@elsewhere" in line for line in told)
    assert members(cluster, namespace) == wanted("x")


def test_a_lock_that_nobody_renews_is_taken_over(cluster, namespace, start):
    cluster.get("v1", "Namespace", "", namespace)  # the server's clock is known by its first answer
    old = lock._time(cluster.transport.server_time - 60)
    hold(cluster, namespace, renewTime=old)
    started = time.monotonic()
    start(declared(namespace, "x"), wait_timeout=20)
    assert time.monotonic() - started < 10
    assert members(cluster, namespace) == wanted("x")
    assert leases(cluster, namespace) == []


def test_a_lock_is_renewed_while_it_is_held(cluster, namespace, monkeypatch):
    monkeypatch.setattr(lock, "RENEWAL", 0.2)
    item = OPERATIONS["config_set"].wanted(parse(OPERATIONS["config_set"].spec, declared(namespace, "x")), None)[0]
    with lock.Lock(cluster, [item], lock.Deadline(10), print):
        (held,) = cluster.list(LEASE, "Lease", namespace)
        time.sleep(1.0)
        (later,) = cluster.list(LEASE, "Lease", namespace)
    assert later["spec"]["renewTime"] > held["spec"]["renewTime"]
    assert leases(cluster, namespace) == []


def test_a_run_whose_lock_was_taken_over_stops(cluster, api, namespace, monkeypatch):
    monkeypatch.setattr(lock, "RENEWAL", 0.2)
    item = OPERATIONS["config_set"].wanted(parse(OPERATIONS["config_set"].spec, declared(namespace, "x")), None)[0]
    mine = connect(api.connection, "api")
    try:
        with lock.Lock(mine, [item], lock.Deadline(10), print):
            key = Ref("coordination.k8s.io", "Lease", namespace, f"meshops-config-{namespace}")
            cluster.merge_patch(key, {"metadata": {}, "spec": {"holderIdentity": "jane@elsewhere"}})
            time.sleep(1.0)
            with pytest.raises(MeshError) as caught:
                mine.get("v1", "ConfigMap", namespace, "x")
        assert caught.value.code == "cancelled"
        assert leases(cluster, namespace) == [f"meshops-config-{namespace}"], "the other's lock stays"
    finally:
        mine.close()


PROGRAM = """
import json, sys
from plugins.module_utils import _ansible
data = json.load(sys.stdin)
tell = lambda line: print(line, flush=True)
result = _ansible.perform("config_set", data, check=False, diff=False, host="api", tell=tell)
print("RESULT", json.dumps(result), flush=True)
"""


@pytest.fixture
def process(lab, namespace, monkeypatch):
    """A run in a process of its own, through the glue of the Ansible front, which takes the signals."""
    started = []

    def go(data):
        path = os.pathsep.join((str(ROOT), str(ROOT / "plugins" / "module_utils")))
        made = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
        )
        started.append(made)
        connection = {"kubeconfig": str(lab.kubeconfig), "context": API}
        made.stdin.write(json.dumps({**data, **connection, "state": "present", "wait": True, "wait_timeout": 60}))
        made.stdin.close()
        return made

    yield go
    for made in started:
        if made.poll() is None:
            made.kill()
        made.wait()
        made.stdout.close()


def never_ready(name):
    """A Deployment on a server without nodes: the run waits for it until it is stopped."""
    container = {"name": "app", "image": "meshops.invalid/nowhere:1"}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def until(process, text, seconds=20):
    seen = []
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        line = process.stdout.readline()
        seen.append(line)
        if text in line:
            return
        if not line:
            break
    pytest.fail(f"{text!r} never came: {seen}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_a_report_and_without_a_lock(cluster: Cluster, namespace, process, number):
    data = declared(namespace, "x", 3)
    data["objects"].append(never_ready("late"))
    made = process(data)
    until(made, "waiting, ")
    made.send_signal(number)
    sent = time.monotonic()
    until(made, "RESULT", 10)
    assert time.monotonic() - sent < 5
    assert leases(cluster, namespace) == []
    assert members(cluster, namespace) == wanted("x", 3)


def test_a_killed_run_leaves_a_lock_that_the_next_one_takes_over_at_once(cluster, namespace, process, start):
    finalized = {**config_map("held", a="x"), "metadata": {"name": "held", "finalizers": ["meshops.invalid/held"]}}
    first = declared(namespace, "x", 3)
    start({**first, "objects": [*first["objects"], finalized]})
    cluster.delete(Ref("", "ConfigMap", namespace, "held"))
    again = {**first, "objects": [*first["objects"], config_map("held", a="y")]}
    made = process(again)  # waits, with the lock, until what is being deleted is gone
    until(made, "waiting until 1 objects are gone", 30)
    assert leases(cluster, namespace) == [f"meshops-config-{namespace}"]
    made.kill()
    made.wait()
    cluster.merge_patch(Ref("", "ConfigMap", namespace, "held"), {"metadata": {"finalizers": None}})
    started = time.monotonic()
    report, _ = start(again, wait_timeout=20)
    assert report.changed
    assert time.monotonic() - started < 5
    assert leases(cluster, namespace) == []


def test_a_lock_that_was_left_at_the_very_end_goes_with_the_next_run(cluster, namespace, start):
    """The run died when all was written: nothing is to change, and yet nothing may stay."""
    start(declared(namespace, "x"))
    old = lock._time(cluster.transport.server_time - 60)
    hold(cluster, namespace, renewTime=old)
    report, _ = start(declared(namespace, "x"))
    assert not report.changed
    assert leases(cluster, namespace) == []
