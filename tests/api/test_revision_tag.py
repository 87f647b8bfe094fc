# SPDX-License-Identifier: Apache-2.0
"""Tags as objects of a real API server: made, moved, refused, removed."""

from __future__ import annotations

import json

import pytest
from mesh.model.errors import MeshError

from .injectors import API, KIND, PATH, injector, installed


@pytest.fixture
def revisions(cluster):
    """Two revisions of somebody else, neither of them the default."""
    with installed(
        cluster, injector("test-old", {"istio.io/rev": "old"}), injector("test-new", {"istio.io/rev": "new"})
    ):
        yield


@pytest.fixture
def tag(api, namespace, revisions):
    """Declares a tag, named after the test's namespace unless told otherwise; it leaves with the test."""

    def declare(state="present", check=False, **data):
        declared = {"tag": namespace, "revision": "old", "namespace": namespace, **data}
        return api("revision_tag", declared, state, check)

    yield declare
    declare("absent")


def webhook_of(cluster, namespace, tag=None):
    return cluster.get(API, KIND, "", f"istio-revision-tag-{tag or namespace}-{namespace}")


def test_made_moved_and_removed(api, cluster, namespace, tag):
    report = tag()
    assert report.result == {"tag": namespace, "revision": "old"}
    assert not tag().changed
    assert api.writes == []
    moved = tag(revision="new")
    assert {change.ref.kind for change in moved.objects if change.action == "update"} == {KIND, "Service"}
    assert webhook_of(cluster, namespace)["metadata"]["labels"]["istio.io/rev"] == "new"
    assert not tag(revision="new").changed
    assert api.writes == []
    tag("absent")
    assert webhook_of(cluster, namespace) is None
    assert not tag("absent").changed
    assert api.writes == []


def test_it_calls_where_its_revision_is_called(cluster, namespace, tag):
    tag()
    webhooks = webhook_of(cluster, namespace)["webhooks"]
    assert {webhook["clientConfig"]["url"] for webhook in webhooks} == {"https://127.0.0.1:1/inject"}


def test_the_certificate_that_istiod_puts_in_survives_a_move(api, cluster, namespace, tag):
    tag()
    live = webhook_of(cluster, namespace)
    for webhook in live["webhooks"]:
        webhook["clientConfig"]["caBundle"] = "Q0E="
    path = f"{PATH}/{live['metadata']['name']}"
    cluster.transport.raw("PUT", path, query={"fieldManager": "pilot-discovery"}, body=json.dumps(live).encode())
    assert not tag().changed
    assert api.writes == []
    tag(revision="new")
    webhooks = webhook_of(cluster, namespace)["webhooks"]
    assert {webhook["clientConfig"]["caBundle"] for webhook in webhooks} == {"Q0E="}


def refused(api, run):
    with pytest.raises(MeshError) as caught:
        run()
    assert api.writes == []
    return caught.value.code, str(caught.value)


def test_what_cannot_be_tagged(api, namespace, tag):
    assert refused(api, lambda: tag(tag="new")) == ("invalid_option", "api: tag: is the name of a revision")
    assert refused(api, lambda: tag(revision="nowhere")) == (
        "missing_dependency",
        "api: revision nowhere: is not installed (apply its control plane first)",
    )
    told = tag(check=True, revision="nowhere")
    assert told.changed
    missing = "revision nowhere: is not installed (apply its control plane first)"
    assert told.warnings == [f"{missing}; a real run stops here, unless an earlier step changes that"]
    assert api.writes == []


def test_the_default_tag_beside_a_default_revision_conflicts(api, cluster, tag):
    with installed(cluster, injector("test-default", {"istio.io/rev": "default"}, default=True)):
        assert refused(api, lambda: tag(tag="default")) == (
            "webhook_conflict",
            "api: MutatingWebhookConfiguration test-default: already injects namespaces with istio-injection=enabled "
            "(remove the revision default first)",
        )


def test_a_tag_in_use_stays(api, cluster, namespace, tag):
    tag()
    marked = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    cluster.apply({**marked, "metadata": {"name": namespace, "labels": {"istio.io/rev": namespace}}}, "them")
    assert refused(api, lambda: tag("absent")) == (
        "in_use",
        f"api: tag {namespace}: is used by namespaces {namespace} (point them elsewhere first)",
    )
    cluster.apply(marked, "them")
    assert tag("absent").changed


def test_a_tag_of_somebody_else_is_refused(api, cluster, namespace, tag):
    """As istioctl leaves it."""
    name = f"istio-revision-tag-{namespace}-{namespace}"
    with installed(cluster, injector(name, {"istio.io/rev": "old", "istio.io/tag": namespace})):
        code, text = refused(api, tag)
        assert (code, text) == (
            "foreign_owner",
            f"api: {KIND} {name}: belongs to somebody else (set adopt to take it over)",
        )
