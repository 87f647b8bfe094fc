# SPDX-License-Identifier: Apache-2.0
"""Revisions, tags, proxies and leftovers, by the marks that everybody's installers leave."""

from __future__ import annotations

import json

import pytest
from mesh.model.objects import Ref
from mesh.operations import discovery, support


def webhook(revision, tag="", *values):
    labels = {"istio.io/rev": revision, **({"istio.io/tag": tag} if tag else {})}
    selector = {"matchExpressions": [{"key": "istio-injection", "operator": "In", "values": list(values)}]}
    return {"metadata": {"name": revision, "labels": labels}, "webhooks": [{"namespaceSelector": selector}]}


FOUND = [webhook("1-30"), webhook("1-31"), webhook("1-30", "stable"), webhook("1-31", "prod", "enabled")]


@pytest.mark.parametrize(
    ("name", "revision"), [("1-31", "1-31"), ("prod", "1-31"), ("stable", "1-30"), ("default", None)]
)
def test_a_name_is_a_tag_or_a_revision(name, revision):
    assert discovery.resolve(FOUND, name) == revision


def test_a_tag_wins_over_a_revision_of_that_name():
    assert discovery.resolve([webhook("a"), webhook("b"), webhook("b", "a")], "a") == "b"


def test_tags_and_injectors_are_told_apart():
    assert discovery.tags_of(FOUND, "1-31") == ["prod"]
    assert discovery.injector_of(FOUND, "1-31") is FOUND[1]
    assert discovery.injector_of(FOUND[2:], "1-30") is None


def called(revision, tag="", **client):
    return {**webhook(revision, tag), "webhooks": [{"clientConfig": client}, {"clientConfig": client}]}


def test_where_the_control_planes_of_revisions_are():
    found = [
        called("a", service={"namespace": "istio-system"}),
        called("b", service={"namespace": "other"}),
        called("b", "prod", service={"namespace": "tags"}),
        called("far", url="https://example.com"),
    ]
    assert discovery.roots_of(found) == {"a": "istio-system", "b": "other"}


@pytest.mark.parametrize(
    ("obj", "answers"),
    [
        (webhook("a", "", "enabled"), True),
        (webhook("a", "", "disabled"), False),
        (webhook("a"), False),
        ({"webhooks": None}, False),
        ({"webhooks": [{}]}, False),
        ({"webhooks": [{"namespaceSelector": {"matchExpressions": [{"key": "istio-injection"}]}}]}, False),
    ],
)
def test_who_answers_by_default(obj, answers):
    assert discovery.answers_by_default(obj) is answers


class Listing:
    """A cluster of which only lists are looked at."""

    name = "test"

    def __init__(self, **found):
        self.found = found

    def list(self, _version, kind, _namespace="", _selector=""):
        return self.found.get(kind, [])


def lock(kind, name, holder):
    metadata = {"name": name, "namespace": "ns"}
    if kind == "Lease":
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": kind,
            "metadata": metadata,
            "spec": {"holderIdentity": holder},
        }
    record = {"control-plane.alpha.kubernetes.io/leader": json.dumps({"holderIdentity": holder}, separators=(",", ":"))}
    return {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, "annotations": record}}


def test_only_what_istiod_held_is_left_over():
    free = {**lock("Lease", "free", ""), "spec": {}}
    given_back = lock("Lease", "istio-gateway-deployment-canary", "")
    taken = lock("Lease", "istio-status-leader", "operator-1")
    leases = [lock("Lease", "istio-leader", "istiod-1"), lock("Lease", "theirs", "operator-1"), free, given_back, taken]
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain", "namespace": "ns"}}
    configs = [lock("ConfigMap", "istio-old", "istiod-1"), lock("ConfigMap", "other", "me"), plain]
    found = list(discovery.leftovers(Listing(Lease=leases, ConfigMap=configs), "ns"))
    assert found == [
        Ref("", "Secret", "ns", "istio-ca-secret"),
        Ref("coordination.k8s.io", "Lease", "ns", "istio-leader"),
        Ref("coordination.k8s.io", "Lease", "ns", "istio-gateway-deployment-canary"),
        Ref("", "ConfigMap", "ns", "istio-old"),
    ]


def pod(status, containers=(), native=(), **labels):
    annotations = {} if status is None else {"sidecar.istio.io/status": status}
    return {
        "metadata": {"name": "p", "namespace": "ns", "annotations": annotations, "labels": labels},
        "spec": {
            "containers": [{"name": name, "image": f"r/{name}:1.31.0"} for name in containers],
            "initContainers": [{"name": name, "image": f"r/{name}:1.31.0"} for name in native],
        },
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pod(None, ["app"]), []),
        (pod('{"revision":"b"}', ["app", "istio-proxy"]), [("b", "1.31.0")]),
        (pod('{"revision":""}', ["istio-proxy"]), [("default", "1.31.0")]),
        (pod("{}", ["app"], ["istio-proxy"]), [("default", "1.31.0")]),
        (pod("cut {", ["istio-proxy"], **{"istio.io/rev": "c"}), [("c", "1.31.0")]),
        (pod("{}", ["app"]), [("default", "")]),
    ],
)
def test_proxies(found, expected):
    proxies = discovery.proxies(Listing(Pod=[found]))
    assert [(proxy["revision"], proxy["version"]) for proxy in proxies] == expected


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("docker.io/istio/pilot:1.31.0", "1.31.0"),
        ("docker.io/istio/pilot:1.31.0-distroless", "1.31.0"),
        ("example.com:5000/pilot:1.31.0@sha256:0a", "1.31.0"),
        ("example.com:5000/pilot@sha256:0a", ""),
        ("example.com:5000/pilot", ""),
        ("auto", ""),
        ("", ""),
    ],
)
def test_the_version_of_an_image(image, version):
    assert support.image_version(image) == version
