# SPDX-License-Identifier: Apache-2.0
"""Faults between the engine and a real API server: what is outlived, and what is said of the rest."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from mesh.apply import waiting
from mesh.kube import retrying, transport
from mesh.kube.cluster import connect
from mesh.model.errors import MeshError
from mesh.model.objects import Ref
from mesh.model.options import Connection

from lab.home import Home
from tests.faults.kinds import KINDS, WATCHES
from tests.faults.proxy import Answer

from .conftest import API, config_map
from .policies import denied, until
from .scenes import always, directory, once, scene  # noqa: F401 - fixtures


def declared(namespace, *objects):
    return {"name": namespace, "namespace": namespace, "objects": list(objects)}


def some(count, value="1"):
    return [config_map(f"m{index}", a=value) for index in range(count)]


def found(cluster, namespace, count):
    return [cluster.get("v1", "ConfigMap", namespace, f"m{index}") for index in range(count)]


def nothing(_seen):
    return None


def a_write_of(name):
    return lambda seen: seen.write and seen.path.partition("?")[0].endswith(f"/{name}")


def status(code, message, **headers):
    body = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message}
    return Answer(code, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A request without an answer is given up soon."""
    monkeypatch.setattr(transport, "READ_TIMEOUT", 1.5)


@pytest.fixture
def server():
    """The process of the API server, and the command that starts it anew."""
    home = Home(API)
    process = home.process("kube-apiserver")
    command = Path(f"/proc/{process.pid()}/cmdline").read_bytes().rstrip(b"\0").decode().split("\0")
    yield process, home.in_network(*command)
    process.start(home.in_network(*command))


def test_the_api_server_restarts_while_objects_are_applied(api, cluster, namespace, server, monkeypatch):
    process, command = server
    api("config_set", declared(namespace, *some(3)))
    writes, down = [], threading.Event()
    real = transport.Transport.raw

    def raw(self, method, path, **options):
        if method == "PATCH" and "dryRun" not in options.get("query", {}):
            writes.append(path)
            if len(writes) == 10:
                down.set()
        return real(self, method, path, **options)

    monkeypatch.setattr(transport.Transport, "raw", raw)

    def restart():
        down.wait(30)
        process.stop(grace_seconds=1)
        time.sleep(2)
        process.start(command)

    helper = threading.Thread(target=restart)
    helper.start()
    report = api("config_set", declared(namespace, *some(30, "2")), wait_timeout=120)
    helper.join()
    assert report.changed
    assert [obj["data"]["a"] for obj in found(cluster, namespace, 30)] == ["2"] * 30
    assert not api("config_set", declared(namespace, *some(30, "2"))).changed
    assert api.writes == []


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "403"])
def test_a_write_that_fails_in_any_way_is_mended_by_itself(scene, cluster, namespace, kind):  # noqa: F811
    run = scene(once(KINDS[kind].act, a_write_of("m1")))
    report = run("config_set", declared(namespace, *some(3)))
    assert sum(change.action == "create" for change in report.objects) == 3
    assert [obj["data"]["a"] for obj in found(cluster, namespace, 3)] == ["1"] * 3
    assert not run("config_set", declared(namespace, *some(3))).changed


def test_a_write_that_is_forbidden_stops_the_run_and_says_what_is_done(scene, cluster, namespace):  # noqa: F811
    run = scene(once(KINDS["403"].act, a_write_of("m1")))
    with pytest.raises(MeshError) as caught:
        run("config_set", declared(namespace, *some(3)))
    assert (caught.value.code, caught.value.where) == ("forbidden", f"api: ConfigMap {namespace}/m1")
    assert caught.value.applied == [f"ConfigMap {namespace}/m0", f"ConfigMap {namespace}/m2"]
    assert caught.value.pending == [f"ConfigMap {namespace}/m1"]
    assert run("config_set", declared(namespace, *some(3))).changed
    assert not run("config_set", declared(namespace, *some(3))).changed


def test_a_server_that_takes_four_at_once_is_given_four(scene, cluster, namespace):  # noqa: F811
    """429 with Retry-After for every request beyond four: halved once, never beyond eight, and all arrives."""
    lock, flying, refused, seats = threading.Lock(), [0], [0], 4

    def crowded(exchange):
        with lock:
            flying[0] += 1
            full = flying[0] > seats
            refused[0] += full
        try:
            if full:
                exchange.reply(status(429, "too many requests", **{"Retry-After": "1"}))
            else:
                time.sleep(0.05)
                exchange.reply(exchange.forward())
        finally:
            with lock:
                flying[0] -= 1

    run = scene(always(crowded, lambda seen: seen.write))
    limits = []
    throttle = run.cluster.transport._throttle
    halve = throttle.overloaded
    throttle.overloaded = lambda: (halve(), limits.append(throttle.limit))
    assert run("config_set", declared(namespace, *some(60))).changed
    assert all(found(cluster, namespace, 60))
    assert refused[0] > 0, "the storm never came"
    assert min(limits) <= seats
    assert refused[0] < 60, "it goes on asking too much"
    assert run.cluster.transport.retries >= refused[0]


@pytest.mark.parametrize(
    ("answer", "again", "text", "hint"),
    [
        (KINDS["503-html"].act, True, "HTTP 503 without a Kubernetes Status (94 bytes)", ""),
        (KINDS["429"].act, True, "too many requests, please try again later", "the API server is overloaded"),
        (KINDS["500-leader"].act, True, "etcdserver: leader changed", ""),
        (
            lambda exchange: exchange.reply(status(500, "etcdserver: mvcc: database space exceeded")),
            False,
            "etcdserver: mvcc: database space exceeded",
            "etcd is out of space",
        ),
    ],
    ids=["html", "overload", "leader", "space"],
)
def test_what_lasts_is_said_as_it_is(scene, namespace, monkeypatch, answer, again, text, hint):  # noqa: F811
    monkeypatch.setattr(retrying, "RETRY_BUDGET", 2.0)
    run = scene(always(answer, a_write_of("m0")))
    with pytest.raises(MeshError) as caught:
        run("config_set", declared(namespace, *some(1)))
    assert text in caught.value.msg
    assert caught.value.hint.startswith(hint)
    assert "<" not in caught.value.msg
    sent = sum(path.endswith("/m0") for path in run.paths("PATCH"))
    assert (sent > 1) == again
    run.proxy.rule = nothing
    assert run("config_set", declared(namespace, *some(1))).changed
    assert not run("config_set", declared(namespace, *some(1))).changed


def test_a_token_that_expires_on_the_way_is_read_anew(scene, lab, namespace, tmp_path):  # noqa: F811
    """The kubeconfig is rewritten while the run is under way, as a login helper would."""
    path = tmp_path / "kubeconfig"

    def expired(exchange):
        if exchange.headers["Authorization"] == "Bearer new":
            exchange.reply(exchange.forward())
        else:
            path.write_text(path.read_text().replace("token: old", "token: new"))
            exchange.reply(status(401, "Unauthorized"))

    late = always(expired, lambda seen: seen.number >= from_number[0])
    from_number = [8]
    run = scene(late)
    path.write_text(run.proxy.kubeconfig.read_text().replace("  user:\n", "  user:\n    token: old\n"))
    run.cluster.close()
    run.cluster = connect(Connection(kubeconfig=str(path)), "api")
    assert run("config_set", declared(namespace, *some(3))).changed
    assert run.proxy.seen[8].status == 401
    assert [seen.status for seen in run.proxy.seen].count(401) <= 8
    assert not run("config_set", declared(namespace, *some(3))).changed


@pytest.fixture
def policy(cluster, namespace):
    """Refuses ConfigMaps named `no` here; yields what lifts it."""
    with denied(cluster, namespace, "object.metadata.name != 'no'", config_map("no")) as lift:
        yield lift


def workload(name):
    labels = {"app": name}
    pod = {
        "metadata": {"labels": labels},
        "spec": {"nodeSelector": {"beta.kubernetes.io/os": "linux"}, "containers": [{"name": "a", "image": "a:1"}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def test_one_of_many_is_denied(api, cluster, namespace, policy):
    """The others of its stage are applied, the next stage is not begun, the inventory knows all, and a re-run mends."""
    wanted = declared(namespace, *some(36), config_map("no", a="1"), workload("later"))
    with pytest.raises(MeshError) as caught:
        api("config_set", wanted)
    error = caught.value
    assert (error.code, error.where) == ("invalid_object", f"api: ConfigMap {namespace}/no")
    assert error.msg.endswith("denied request: not \\x1b[31mthis")
    assert len(error.applied) == 36
    assert error.pending == [f"ConfigMap {namespace}/no", f"Deployment {namespace}/later"]
    assert sum(write.endswith("/no") for write in api.writes) == 1, "a refusal is not repeated"
    assert not [write for write in api.writes if write.endswith("/later")]
    hints = cluster.get("v1", "ConfigMap", namespace, f"meshops-config-{namespace}")["metadata"]["annotations"]
    assert "Deployment.apps" in hints["applyset.kubernetes.io/contains-group-kinds"]
    policy()
    assert api("config_set", wanted).changed
    assert not api("config_set", wanted).changed
    assert api.writes == []


def definition(group, plural):
    names = {"kind": "Widget", "plural": plural, "singular": plural[:-1], "listKind": "WidgetList"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": group, "names": names, "scope": "Namespaced", "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": spec,
    }


def widget(group):
    return {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}}


def test_a_definition_whose_names_are_taken_names_who_has_them(api, cluster, namespace, monkeypatch):
    monkeypatch.setattr(waiting, "_GRACE", 1.0)
    group = f"{namespace}.example.com"
    cluster.apply(definition(group, "widgets"), "them")
    crd = "CustomResourceDefinition"
    try:
        until(lambda: "status" in cluster.get("apiextensions.k8s.io/v1", crd, "", f"widgets.{group}"))
        started = time.monotonic()
        with pytest.raises(MeshError) as caught:
            api("config_set", declared(namespace, definition(group, "gadgets")), wait=True, wait_timeout=60)
        assert time.monotonic() - started < 20
        assert caught.value.code == "not_ready"
        assert '"WidgetList" is already in use' in caught.value.msg or '"Widget" is already in use' in caught.value.msg
        api("config_set", declared(namespace), "absent", purge=True)
    finally:
        cluster.delete(Ref("apiextensions.k8s.io", crd, "", f"widgets.{group}"))


def test_a_definition_that_goes_between_two_stages(scene, cluster, namespace):  # noqa: F811
    """Deleted by somebody when its first object is about to be written: the run says so, the next one mends it."""
    group = f"{namespace}.example.com"
    key = Ref("apiextensions.k8s.io", "CustomResourceDefinition", "", f"widgets.{group}")
    wanted = declared(namespace, definition(group, "widgets"), widget(group), *some(1))

    def delete(exchange):
        cluster.delete(key)
        until(lambda: cluster.get("apiextensions.k8s.io/v1", key.kind, "", key.name) is None)
        exchange.reply(exchange.forward())

    run = scene(once(delete, a_write_of("w")))
    with pytest.raises(MeshError) as caught:
        run("config_set", wanted, wait_timeout=15)
    assert caught.value.where == f"api: Widget {namespace}/w"
    assert caught.value.pending == [f"Widget {namespace}/w"]
    run.cluster.forget_kinds()  # as a run of its own
    assert run("config_set", wanted).changed
    assert not run("config_set", wanted).changed
    run("config_set", wanted, "absent", purge=True)


def balancer():
    spec = {"type": "LoadBalancer", "selector": {"app": "x"}, "ports": [{"port": 80, "protocol": "TCP"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "edge"}, "spec": spec}


def silent(exchange):
    """A watch that sends bookmarks and never an event."""
    exchange.begin_stream()
    mark = {"apiVersion": "v1", "kind": "Service", "metadata": {"resourceVersion": "1"}}
    for _ in range(3):
        exchange.send_chunk(json.dumps({"type": "BOOKMARK", "object": mark}).encode() + b"\n")
        time.sleep(0.3)
    exchange.send_chunk(b"")


def garbled(exchange):
    """A watch of which the lines are JSON, and no events."""
    exchange.begin_stream()
    exchange.send_chunk(b'[]\n{"type": 7}\n{"type": "MODIFIED", "object": {}}\n')
    exchange.send_chunk(b"")


@pytest.mark.parametrize(
    "act",
    [*(fault.act for fault in WATCHES.values()), KINDS["401"].act, KINDS["429"].act, silent, garbled],
    ids=[*WATCHES, "401", "429", "bookmarks", "garbled"],
)
@pytest.mark.parametrize("how", [once, always], ids=["once", "always"])
def test_a_watch_that_fails_misses_nothing(scene, cluster, namespace, monkeypatch, act, how):  # noqa: F811
    """The Service gets its address when the first watch is open; what the watch does not tell, the next LIST does."""
    monkeypatch.setattr(waiting, "_WATCH", 1)
    path = f"/api/v1/namespaces/{namespace}/services/edge/status"
    address = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}

    def assign():
        body, kind = json.dumps(address).encode(), "application/merge-patch+json"
        cluster.transport.request("PATCH", path, body=body, content_type=kind)

    def rule(seen):
        if seen.watch and not assigned:
            assigned.append(1)
            assign()
        return spoilt(seen)

    assigned, spoilt = [], how(act, lambda seen: seen.watch)
    run = scene(rule)
    started = time.monotonic()
    report = run("config_set", declared(namespace, balancer()), wait=True, wait_timeout=20)
    assert report.ready
    assert assigned
    assert time.monotonic() - started < 10


def test_a_clock_that_differs_is_told(scene, namespace):  # noqa: F811
    def later(exchange):
        answer = exchange.forward()
        exchange.reply(replace(answer, headers={**answer.headers, "Date": "Wed, 01 Jan 2020 00:00:00 GMT"}))

    run = scene(always(later, lambda seen: not seen.watch))
    report = run("config_set", declared(namespace, *some(2)))
    assert report.changed
    assert any("the clock of" in text and "differs from this machine's by -" in text for text in report.warnings)
    assert not run("config_set", declared(namespace, *some(2))).changed


def test_what_the_server_warns_of_is_a_warning(api, namespace):
    report = api("config_set", declared(namespace, workload("old")))
    assert report.changed
    assert any("beta.kubernetes.io/os" in text and "deprecated" in text for text in report.warnings)


def test_connections_that_are_closed_when_idle_cost_nothing(scene, namespace):  # noqa: F811
    """A load balancer that closes each connection after its answer: no error, no request lost, none done twice."""
    run = scene(always(KINDS["closed-after"].act, lambda seen: not seen.watch))
    assert run("config_set", declared(namespace, *some(6))).changed
    assert not run("config_set", declared(namespace, *some(6))).changed
    names = [path.rpartition("/")[2] for path in run.paths("PATCH")]
    assert sorted(name for name in names if name.startswith("m") and len(name) == 2) == [f"m{i}" for i in range(6)]


def test_what_somebody_deleted_is_made_again(api, cluster, namespace):
    api("config_set", declared(namespace, *some(3)))
    cluster.delete(Ref("", "ConfigMap", namespace, "m1"))
    report = api("config_set", declared(namespace, *some(3)))
    assert [(change.ref.name, change.action) for change in report.objects if change.action != "unchanged"] == [
        ("m1", "create")
    ]
    assert all(found(cluster, namespace, 3))


@pytest.mark.parametrize("check", [False, True])
def test_a_version_that_is_no_longer_served_is_named_before_any_write(api, namespace, check):
    scaler = {"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
    wanted = declared(namespace, scaler, *some(1))
    text = "the cluster does not serve autoscaling/v2beta2 HorizontalPodAutoscaler"
    if check:
        assert any(text in warning for warning in api("config_set", wanted, check=True).warnings)
    else:
        with pytest.raises(MeshError, match=text) as caught:
            api("config_set", wanted)
        assert caught.value.code == "missing_dependency"
    assert api.writes == []


#: What stands before an API server may answer anything: other objects, other shapes.
_STRANGE = {
    "empty": b"{}",
    "list": b"[]",
    "null": b"null",
    "text": b'"hello"',
    "another": json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "other", "namespace": "kube-system"}, "items": [7]}
    ).encode(),
}


@pytest.mark.parametrize("shape", list(_STRANGE))
def test_an_answer_about_something_else_is_refused(scene, cluster, namespace, monkeypatch, shape):  # noqa: F811
    """Each request in turn: the run says so or is not misled, and the next one converges."""
    monkeypatch.setattr(retrying, "RETRY_BUDGET", 0.1)
    monkeypatch.setattr(retrying, "FIRST_CONTACT_BUDGET", 0.1)
    value = _STRANGE[shape]
    run = scene(nothing)
    run("config_set", declared(namespace, *some(2)))
    count = len(run.proxy.seen)
    for index in range(count):
        wanted = declared(namespace, *some(2, f"{shape}-{index}"))
        start = len(run.proxy.seen)
        strange = lambda exchange: exchange.reply(Answer(200, value))  # noqa: E731
        run.proxy.rule = once(strange, lambda seen, first=start + index: seen.number >= first)
        run.cluster.__dict__.pop("server_version", None)
        run.cluster.forget_kinds()
        with contextlib.suppress(MeshError):  # anything else would be a traceback
            run("config_set", wanted)
        run.proxy.rule = nothing
        run.cluster.forget_kinds()
        run("config_set", wanted)
        assert [obj["data"]["a"] for obj in found(cluster, namespace, 2)] == [f"{shape}-{index}"] * 2
    assert not run("config_set", wanted).changed


def test_a_kind_that_is_just_going_has_no_objects(cluster, namespace):
    """For a moment the API server tells of a kind that nobody answers for any more, with a 404 in plain text."""
    group = f"{namespace}.example.com"
    key = Ref("apiextensions.k8s.io", "CustomResourceDefinition", "", f"widgets.{group}")
    cluster.apply(definition(group, "widgets"), "them")
    resource = None

    def served():
        nonlocal resource
        cluster.forget_kinds()
        resource = cluster.resource(f"{group}/v1", "Widget")
        return resource is not None

    until(served)
    cluster.delete(key)
    deadline = time.monotonic() + 15
    known = resource
    while served() and time.monotonic() < deadline:
        assert cluster.list_at(known, namespace)[0] == []
    assert cluster.list_at(known, namespace)[0] == []
    assert cluster.list(f"{group}/v1", "Widget", namespace) == []


def test_a_lock_that_nobody_could_give_back_goes_with_the_inventory(scene, cluster, namespace):  # noqa: F811
    """No later run looks at a set that is gone."""
    scene(nothing)("config_set", declared(namespace, *some(1)))
    lease = f"meshops-config-{namespace}"

    def refuse(exchange):
        exchange.reply(status(403, "no"))

    def given_back(seen):
        return seen.method == "DELETE" and seen.path.partition("?")[0].endswith(f"/leases/{lease}")

    scene(always(refuse, given_back))("config_set", declared(namespace), "absent")
    until(lambda: cluster.get("coordination.k8s.io/v1", "Lease", namespace, lease) is None)
    assert cluster.get("v1", "ConfigMap", namespace, lease) is None
