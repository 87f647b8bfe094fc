# SPDX-License-Identifier: Apache-2.0
"""What others keep for us is not sent: each rule, and that the declaration itself stays as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from mesh.plan.never_own import sent, without_empty_marks, without_nulls

ME = "meshops/test"


def configuration(kind, *webhooks, fields=None):
    entry = {"manager": ME, "operation": "Apply", "fieldsV1": {"f:webhooks": fields or {}}}
    version = "admissionregistration.k8s.io/v1"
    metadata = {"name": "x", "managedFields": [entry]}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "webhooks": list(webhooks)}


def webhook(name="w", policy="Ignore", **client):
    return {"name": name, "failurePolicy": policy, "clientConfig": client}


@pytest.mark.parametrize("kind", ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ({"caBundle": "", "service": {}}, {"service": {}}),
        ({"caBundle": "Q0E=", "service": {}}, {"caBundle": "Q0E=", "service": {}}),
        ({"url": "https://a"}, {"url": "https://a"}),
    ],
)
def test_an_empty_bundle_is_left_to_istiod(kind, client, expected):
    wanted = configuration(kind, webhook(**client))
    assert sent(wanted, None, ME)["webhooks"][0]["clientConfig"] == expected


OWNED: dict[str, Any] = {'k:{"name":"w"}': {".": {}, "f:name": {}, "f:failurePolicy": {}}}


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (None, "Ignore"),
        (configuration("ValidatingWebhookConfiguration", webhook(policy="Fail")), None),
        (configuration("ValidatingWebhookConfiguration", webhook(policy="Fail"), fields=OWNED), "Fail"),
        (configuration("ValidatingWebhookConfiguration", webhook(policy="Ignore"), fields=OWNED), "Ignore"),
    ],
)
def test_failure_policy_is_said_at_creation_only(live, expected):
    wanted = configuration("ValidatingWebhookConfiguration", webhook())
    assert sent(wanted, live, ME)["webhooks"][0].get("failurePolicy") == expected


def test_injectors_keep_their_failure_policy():
    wanted = configuration("MutatingWebhookConfiguration", webhook(policy="Fail"))
    live = configuration("MutatingWebhookConfiguration", webhook(policy="Ignore"))
    assert sent(wanted, live, ME)["webhooks"][0]["failurePolicy"] == "Fail"


@pytest.mark.parametrize(("spec", "expected"), [({"replicas": None}, {}), ({"replicas": 0}, {"replicas": 0}), ({}, {})])
def test_replicas(spec, expected):
    assert sent({"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}, None, ME)["spec"] == expected


def test_the_declaration_is_left_as_it_was():
    wanted = configuration("ValidatingWebhookConfiguration", webhook(caBundle=""))
    before = copy.deepcopy(wanted)
    sent(wanted, configuration("ValidatingWebhookConfiguration", webhook()), ME)
    assert wanted == before


def test_nulls_are_dropped_at_every_depth_and_nothing_else():
    value = {"a": None, "b": [None, {"c": None, "d": 0}], "e": "", "f": {}, "g": False}
    assert without_nulls(value) == {"b": [None, {"d": 0}], "e": "", "f": {}, "g": False}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"name": "x", "labels": {}, "annotations": {}}, {"name": "x"}),
        ({"name": "x", "labels": {"a": ""}}, {"name": "x", "labels": {"a": ""}}),
        ({"name": "x", "finalizers": []}, {"name": "x", "finalizers": []}),
    ],
)
def test_empty_marks(metadata, expected):
    assert without_empty_marks({"metadata": metadata})["metadata"] == expected
