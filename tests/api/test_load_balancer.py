# SPDX-License-Identifier: Apache-2.0
"""Services of type LoadBalancer on an API server for which nobody has addresses."""

from __future__ import annotations

import json
import time

import pytest
from mesh.apply import waiting
from mesh.apply.readiness import NO_CONTROLLER
from mesh.model.errors import MeshError

from .injectors import injector, installed
from .policies import until
from .test_rbac import account  # noqa: F401 - a fixture

SERVICE = {"apiVersion": "v1", "kind": "Service"}


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Nobody who is asked here is late."""
    monkeypatch.setattr(waiting, "_TICK", 0.1)
    monkeypatch.setattr(waiting, "_GRACE", 0.5)


def declared(namespace):
    """Of a class of its own: what others have on this server says nothing of it."""
    spec = {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}], "loadBalancerClass": own(namespace)}
    return {
        "name": "edge",
        "namespace": namespace,
        "objects": [{**SERVICE, "metadata": {"name": "edge"}, "spec": spec}],
    }


def own(namespace):
    return f"example.com/{namespace}"


def refused(run, *arguments, **options):
    with pytest.raises(MeshError) as caught:
        run(*arguments, wait=True, **options)
    assert caught.value.code == "not_ready"
    return caught.value


def test_where_nobody_takes_notice_the_wait_ends(api, namespace):
    started = time.monotonic()
    for writes in (True, False):
        error = refused(api, "config_set", declared(namespace))
        text = "no load balancer controller has taken notice of it"
        assert error.msg == f"will not become ready: Service {namespace}/edge ({text})"
        assert error.hint == NO_CONTROLLER
        assert bool(api.writes) == writes
    assert time.monotonic() - started < 20


def test_so_for_a_gateway(api, lab, cluster, namespace):
    until(lambda: not any(map(has_address, cluster.list("v1", "Service"))))  # of tests before
    data = {"name": "gw", "namespace": namespace, "charts": {"path": lab.charts}}
    with installed(cluster, injector("test-default", {"istio.io/rev": "default"}, default=True)):
        error = refused(api, "gateway", data)
    assert error.pending == [f"Service {namespace}/gw"]
    assert error.hint == NO_CONTROLLER


def has_address(service):
    return "loadBalancerClass" not in service["spec"] and service["status"]["loadBalancer"].get("ingress")


def finalizer(cluster, namespace, _uid):
    patched(cluster, namespace, {"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}})


def condition(cluster, namespace, _uid):
    known = {"type": "example.com/Known", "status": "True", "reason": "Seen", "message": ""}
    known["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    patched(cluster, namespace, {"status": {"conditions": [known]}}, "/status")


def beginning(cluster, namespace, uid):
    tell(cluster, namespace, uid, "Normal", "EnsuringLoadBalancer")


def address_of_another(cluster, namespace, _uid):
    (service,) = declared(namespace)["objects"]
    cluster.apply({**service, "metadata": {"name": "other", "namespace": namespace}}, "them")
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}
    patched(cluster, namespace, status, "/status", name="other")


def patched(cluster, namespace, patch, subresource="", name="edge"):
    path = f"/api/v1/namespaces/{namespace}/services/{name}{subresource}"
    body, kind = json.dumps(patch).encode(), "application/merge-patch+json"
    cluster.transport.request("PATCH", path, query={"fieldManager": "cloud"}, body=body, content_type=kind)


def tell(cluster, namespace, uid, kind, reason):
    about = {**SERVICE, "namespace": namespace, "name": "edge", "uid": uid}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"edge.{reason.lower()}", "namespace": namespace},
        "involvedObject": about,
        "type": kind,
        "reason": reason,
        "message": "the account \x1b[31mhas too many",
        "source": {"component": "service-controller"},
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    cluster.post(f"/api/v1/namespaces/{namespace}/events", event)


@pytest.fixture
def made(api, cluster, namespace):
    """The Service, which is there already; its uid. Nothing holds it at the end."""
    api("config_set", declared(namespace))
    yield cluster.get("v1", "Service", namespace, "edge")["metadata"]["uid"]
    patched(cluster, namespace, {"metadata": {"finalizers": None}})


@pytest.mark.parametrize("notice", [finalizer, condition, beginning, address_of_another])
def test_who_has_begun_is_waited_for(api, cluster, namespace, made, notice):
    notice(cluster, namespace, made)
    assert refused(api, "config_set", declared(namespace), wait_timeout=2).msg.startswith("not ready after 2 s")


def test_what_the_controller_complains_of_is_told(api, cluster, namespace, made):
    tell(cluster, namespace, made, "Warning", "SyncLoadBalancerFailed")
    error = refused(api, "config_set", declared(namespace))
    text = "SyncLoadBalancerFailed: the account \\x1b[31mhas too many"
    assert error.msg == f"will not become ready: Service {namespace}/edge ({text})"
    assert error.hint == "mend the cause and run again; what was applied stays"


def test_what_was_said_of_an_earlier_one_does_not_count(api, cluster, namespace, made):
    tell(cluster, namespace, "00000000-0000-0000-0000-000000000000", "Warning", "SyncLoadBalancerFailed")
    assert "has taken notice" in refused(api, "config_set", declared(namespace)).msg


def test_derived_roles_allow_the_look_and_without_it_the_wait_goes_on(account, namespace):  # noqa: F811
    found = account([{"config_set": declared(namespace)}])
    assert "has taken notice" in refused(found.run, "config_set", declared(namespace)).msg
    (key,) = [key for key in found.permissions() if key[1:] == ("list", "", "events", False)]
    with found.without(key[0], found.permissions()[key]):
        error = refused(found.run, "config_set", declared(namespace), wait_timeout=2)
    assert error.msg == f"not ready after 2 s: Service {namespace}/edge (no load balancer address yet)"
    found.run("config_set", declared(namespace), "absent")
