# SPDX-License-Identifier: Apache-2.0
"""What counts as proven, what as not yet, and what needs no probe."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError
from mesh.model.objects import ref
from mesh.operations.proofs import injection_works, tag_trusted, validation_works

API = "admissionregistration.k8s.io/v1"


class Admission:
    """An API server that admits, changes or refuses what is tried."""

    name = "test"

    def __init__(self, answer=None, webhooks=()):
        self.answer, self.webhooks, self.tried = answer, webhooks, []

    def dry_run_create(self, obj):
        self.tried.append(obj)
        if isinstance(self.answer, str):
            raise MeshError("api_error", self.answer)
        return self.answer or obj

    def list(self, *_):
        return [{"webhooks": list(self.webhooks)}] if self.webhooks else []


def spec(containers, native=()):
    named = {"containers": containers, "initContainers": native}
    return {"spec": {key: [{"name": name} for name in names] for key, names in named.items()}}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (spec(["app", "istio-proxy"]), None),
        (spec(["app"], ["istio-proxy"]), None),
        (spec(["app"]), "a new pod came back without a proxy"),
        ("failed calling webhook: connection refused", "failed calling webhook: connection refused"),
        ('violates PodSecurity "restricted": container "istio-init" must not run as root', None),
    ],
)
def test_injection(answer, reason):
    cluster = Admission(answer)
    assert injection_works("canary", "mesh").probe(cluster) == reason
    (pod,) = cluster.tried
    assert pod["metadata"]["namespace"] == "mesh"
    assert pod["metadata"]["labels"] == {"sidecar.istio.io/inject": "true", "istio.io/rev": "canary"}


def test_the_default_revision_is_asked_without_a_label():
    cluster = Admission(spec(["istio-proxy"]))
    injection_works("default", "mesh").probe(cluster)
    assert cluster.tried[0]["metadata"]["labels"] == {"sidecar.istio.io/inject": "true"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "a Gateway without servers was accepted"),
        ('admission webhook "validation.istio.io" denied the request: no servers', None),
        ("no endpoints available for service", "no endpoints available for service"),
    ],
)
def test_validation(answer, reason):
    assert validation_works("default").probe(Admission(answer)) == reason


def webhook(bundle="Q0E=", policy="Fail"):
    return {"clientConfig": {"caBundle": bundle} if bundle else {}, "failurePolicy": policy}


def configuration(kind, *webhooks, revision="default"):
    obj = {
        "apiVersion": API,
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": "x", "labels": {"istio.io/rev": revision}},
        "webhooks": list(webhooks),
    }
    return {ref(obj): obj}


@pytest.mark.parametrize(
    ("live", "evident"),
    [
        ({}, False),
        (configuration("Validating", webhook()), True),
        (configuration("Validating", webhook(), webhook(bundle="")), False),
        (configuration("Validating", webhook(policy="Ignore")), False),
        (configuration("Validating", webhook(), revision="other"), False),
        (configuration("Validating"), False),
        (configuration("Mutating", webhook()), False),
    ],
)
def test_what_is_evident_needs_no_probe(live, evident):
    assert validation_works("default").evident(live) is evident


@pytest.mark.parametrize(
    ("webhooks", "reason"),
    [
        ([], "istiod has not yet signed the tag's webhook"),
        ([webhook()], None),
        ([webhook(), webhook(bundle="")], "istiod has not yet signed the tag's webhook"),
    ],
)
def test_a_tag_is_trusted_when_all_of_it_is_signed(webhooks, reason):
    assert tag_trusted("prod").probe(Admission(webhooks=webhooks)) == reason
    live = configuration("Mutating", *webhooks) if webhooks else {}
    assert tag_trusted("prod").evident(live) is (reason is None)
