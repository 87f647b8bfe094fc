# SPDX-License-Identifier: Apache-2.0
"""Whose an object is, by the marks that each tool leaves; and which fields are left to others."""

from __future__ import annotations

from typing import Any

import pytest
from mesh.plan.never_own import sent, without_empty_marks, without_nulls
from mesh.plan.owners import owner

COPIED: dict[str, Any] = {"labels": {"applyset.kubernetes.io/part-of": "of-its-injector"}}
HELM: dict[str, Any] = {"annotations": {"meta.helm.sh/release-name": "istiod"}}


@pytest.mark.parametrize(
    ("metadata", "text", "adoptable"),
    [
        ({"labels": {"applyset.kubernetes.io/part-of": "a"}}, "another ApplySet (a)", False),
        ({"ownerReferences": [{"kind": "IstioRevision", "name": "r"}]}, "Sail operator (IstioRevision r)", False),
        ({"ownerReferences": [{"kind": "Service", "name": "s"}]}, "somebody else", True),
        ({"annotations": {"operator-sdk/primary-resource": "ns/i"}}, "Sail operator (ns/i)", False),
        ({"labels": {"managed-by": "sail-operator"}}, "Sail operator (sail-operator)", False),
        ({"labels": {"managed-by": "me"}}, "somebody else", True),
        ({"labels": {"olm.owner": "csv"}}, "OLM (csv)", False),
        ({"labels": {"olm.managed": "true"}}, "OLM (true)", False),
        (
            {"labels": {"istio.io/owned-by": "mesh.googleapis.com"}},
            "Google Cloud Service Mesh (mesh.googleapis.com)",
            False,
        ),
        ({"labels": {"istio.io/owned-by": "me"}}, "somebody else", True),
        ({"labels": {"kubernetes.azure.com/managedby": "aks"}}, "AKS (aks)", False),
        ({"namespace": "aks-istio-system", **HELM}, "AKS (aks-istio-system)", False),
        ({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}, "add-on manager (Reconcile)", False),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "k"}}, "Flux (k)", False),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "h"}, **HELM}, "Flux (h)", False),
        ({"managedFields": [{"manager": "kustomize-controller"}]}, "Flux (kustomize-controller)", False),
        ({"labels": {"argocd.argoproj.io/instance": "a"}}, "Argo CD (a)", False),
        ({"managedFields": [{"manager": "argocd-controller"}]}, "Argo CD (argocd-controller)", False),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "t"}}, "Argo CD (t)", False),
        ({"labels": {"kapp.k14s.io/app": "1"}}, "kapp (1)", False),
        (HELM, "Helm release (istiod)", True),
        ({"managedFields": [{"manager": "istio-operator"}]}, "istioctl (istio-operator)", True),
        ({"managedFields": [{"manager": "istio-ci"}], **COPIED}, "istioctl (istio-ci)", True),
        ({"managedFields": [{"manager": "pulumi-kubernetes-1a2b"}]}, "Pulumi (pulumi-kubernetes-1a2b)", True),
        ({"managedFields": [{"manager": "kubectl-client-side-apply"}]}, "kubectl (kubectl-client-side-apply)", True),
        ({}, "somebody else", True),
    ],
)
def test_owner(metadata, text, adoptable):
    found = owner({"metadata": metadata})
    assert (str(found), found.adoptable) == (text, adoptable)


def test_a_webhook_that_google_answers_is_googles():
    urls = ("https://asm-managed.run.googleapis.com/inject", "https://example.com/inject")
    webhooks = [{"clientConfig": {"url": url}} for url in urls]
    assert str(owner({"metadata": {}, "webhooks": webhooks})) == (
        "Google Cloud Service Mesh (asm-managed.run.googleapis.com)"
    )
    assert str(owner({"metadata": {}, "webhooks": webhooks[1:]})) == "somebody else"


def webhook(policy, bundle=""):
    return {"name": "w", "failurePolicy": policy, "clientConfig": {"caBundle": bundle}}


def configuration(*webhooks, managed=()):
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"managedFields": list(managed)},
        "webhooks": list(webhooks),
    }


def test_webhooks_are_sent_once_with_their_policy_and_never_with_an_empty_bundle():
    wanted = configuration(webhook("Ignore"))
    assert sent(wanted, None, "me")["webhooks"] == [{"name": "w", "failurePolicy": "Ignore", "clientConfig": {}}]
    theirs = configuration(webhook("Fail", "Q0E="))
    assert sent(wanted, theirs, "me")["webhooks"] == [{"name": "w", "clientConfig": {}}]
    fields: dict[str, Any] = {"f:webhooks": {'k:{"name":"w"}': {"f:failurePolicy": {}}}}
    ours = configuration(webhook("Ignore"), managed=[{"manager": "me", "operation": "Apply", "fieldsV1": fields}])
    assert sent(wanted, ours, "me")["webhooks"][0]["failurePolicy"] == "Ignore"
    assert wanted["webhooks"][0]["failurePolicy"] == "Ignore", "the declaration itself is left alone"


def test_a_bundle_that_the_user_gave_is_kept():
    kept = sent(configuration(webhook("Fail", "Q0E=")), None, "me")
    assert kept["webhooks"][0]["clientConfig"] == {"caBundle": "Q0E="}


def test_nulls_and_empty_marks_are_not_sent():
    obj = {"metadata": {"name": "x", "labels": {}, "annotations": {"a": None}}, "spec": {"list": [{"a": None, "b": 0}]}}
    assert without_nulls(obj) == {
        "metadata": {"name": "x", "labels": {}, "annotations": {}},
        "spec": {"list": [{"b": 0}]},
    }
    assert without_empty_marks(without_nulls(obj))["metadata"] == {"name": "x"}
