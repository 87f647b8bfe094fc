# SPDX-License-Identifier: Apache-2.0
"""Objects of revision tags, and where their webhooks call."""

from __future__ import annotations

import pytest
from mesh.model.spec import parse
from mesh.model.specs.revision_tag import RevisionTagSpec
from mesh.render.tags import objects


def injector(annotations=None, **client):
    return {
        "metadata": {"annotations": annotations or {}},
        "webhooks": [{"clientConfig": client, "reinvocationPolicy": "IfNeeded"}],
    }


def made(injector_=None, **declared):
    return {obj["kind"]: obj for obj in objects(parse(RevisionTagSpec, declared), injector_)}


MUTATING, VALIDATING = "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"


@pytest.mark.parametrize(
    ("tag", "webhooks", "kinds"),
    [
        ("prod", ["rev.namespace.", "rev.object."], {MUTATING, "Service"}),
        ("default", ["rev.namespace.", "rev.object.", "namespace.", "object."], {MUTATING, "Service", VALIDATING}),
    ],
)
def test_webhooks_of_a_tag(tag, webhooks, kinds):
    found = made(tag=tag, revision="canary")
    assert found.keys() == kinds
    names = [webhook["name"] for webhook in found[MUTATING]["webhooks"]]
    assert names == [f"{prefix}sidecar-injector.istio.io" for prefix in webhooks]
    for obj in found.values():
        assert obj["metadata"]["labels"].items() >= {"istio.io/rev": "canary", "istio.io/tag": tag}.items()


def selected(webhook, namespace, pod):
    """Whether the API server would call a webhook for a pod of a namespace, both given as labels."""

    def matches(selector, labels):
        return all(
            {
                "In": labels.get(item["key"]) in item.get("values", ()),
                "NotIn": labels.get(item["key"]) not in item.get("values", ()),
                "DoesNotExist": item["key"] not in labels,
            }[item["operator"]]
            for item in selector["matchExpressions"]
        )

    return matches(webhook["namespaceSelector"], namespace) and matches(webhook["objectSelector"], pod)


NO = {"sidecar.istio.io/inject": "false"}
YES = {"sidecar.istio.io/inject": "true"}


@pytest.mark.parametrize(
    ("tag", "namespace", "pod", "calls"),
    [
        ("prod", {"istio.io/rev": "prod"}, {}, 1),
        ("prod", {"istio.io/rev": "prod"}, NO, 0),
        ("prod", {"istio.io/rev": "other"}, {}, 0),
        ("prod", {}, {"istio.io/rev": "prod"}, 1),
        ("prod", {}, {}, 0),
        ("prod", {"istio-injection": "enabled"}, {}, 0),
        ("default", {"istio-injection": "enabled"}, {}, 1),
        ("default", {"istio-injection": "enabled"}, NO, 0),
        ("default", {"istio-injection": "disabled"}, YES, 0),
        ("default", {}, YES, 1),
        ("default", {}, {}, 0),
        ("default", {"istio.io/rev": "default"}, {}, 1),
        ("default", {"istio.io/rev": "default"}, YES, 1),
        ("default", {"istio.io/rev": "prod"}, YES, 0),
    ],
)
def test_at_most_one_webhook_answers(tag, namespace, pod, calls):
    webhooks = made(tag=tag, revision="canary")[MUTATING]["webhooks"]
    assert sum(selected(webhook, namespace, pod) for webhook in webhooks) == calls


@pytest.mark.parametrize(
    ("client", "inject", "validate"),
    [
        (
            {},
            {"service": {"name": "istiod-canary", "namespace": "istio-system", "path": "/inject", "port": 443}},
            {"service": {"name": "istiod-canary", "namespace": "istio-system", "path": "/validate", "port": 443}},
        ),
        (
            {
                "service": {"name": "s", "namespace": "n", "path": "/inject/cluster/c", "port": 15017},
                "caBundle": "Q0E=",
            },
            {"service": {"name": "s", "namespace": "n", "path": "/inject/cluster/c", "port": 15017}},
            {"service": {"name": "s", "namespace": "n", "path": "/validate", "port": 15017}},
        ),
        (
            {"url": "https://mesh.example.com:15017/inject/cluster/c/net/n", "caBundle": "Q0E="},
            {"url": "https://mesh.example.com:15017/inject/cluster/c/net/n"},
            {"url": "https://mesh.example.com:15017/validate"},
        ),
    ],
)
def test_a_tag_calls_where_its_revision_is_called(client, inject, validate):
    found = made(injector(**client), tag="default", revision="canary")
    assert {str(webhook["clientConfig"]) for webhook in found[MUTATING]["webhooks"]} == {str(inject)}
    assert found[VALIDATING]["webhooks"][0]["clientConfig"] == validate


def test_what_the_revisions_injector_says_is_kept():
    marks = {"admissions.enforcer/disabled": "true", "meta.helm.sh/release-name": "istiod", "note": "x"}
    found = made(injector(marks), tag="prod", revision="canary")[MUTATING]
    assert found["metadata"]["annotations"] == {"admissions.enforcer/disabled": "true"}
    assert {webhook["reinvocationPolicy"] for webhook in found["webhooks"]} == {"IfNeeded"}
    assert "annotations" not in made(tag="prod", revision="canary")[MUTATING]["metadata"]


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("istio-system", "istio-revision-tag-prod"), ("mesh", "istio-revision-tag-prod-mesh")],
)
def test_names(namespace, name):
    found = made(tag="prod", revision="canary", namespace=namespace)
    assert found[MUTATING]["metadata"]["name"] == name
    service = found["Service"]["metadata"]
    assert (service["name"], service["namespace"]) == ("istiod-revision-tag-prod", namespace)


@pytest.mark.parametrize(
    ("revision", "selector"),
    [
        ("canary", {"app": "istiod", "istio.io/rev": "canary"}),
        ("default", {"app": "istiod", "istio": "pilot"}),
    ],
)
def test_the_service_selects_istiod_of_the_revision(revision, selector):
    spec = made(tag="prod", revision=revision)["Service"]["spec"]
    assert spec["selector"] == selector
    assert {port["name"]: port.get("targetPort") for port in spec["ports"]} == {
        "grpc-xds": None,
        "https-dns": None,
        "https-webhook": 15017,
        "http-monitoring": None,
    }


def test_the_validator_is_open_until_istiod_closes_it():
    (webhook,) = made(tag="default", revision="canary")[VALIDATING]["webhooks"]
    assert (webhook["failurePolicy"], "caBundle" in webhook["clientConfig"]) == ("Ignore", False)
