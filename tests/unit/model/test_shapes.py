# SPDX-License-Identifier: Apache-2.0
"""Objects that are not as the core relies on are refused by the place of the flaw."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError
from mesh.render.manifests import flatten

ADMISSION, RBAC = "admissionregistration.k8s.io/v1", "rbac.authorization.k8s.io/v1"


def obj(api_version, kind, metadata=None, **rest):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", **(metadata or {})}, **rest}


POD = {"containers": [{"name": "a"}]}


@pytest.mark.parametrize(
    ("found", "flaw"),
    [
        (obj("v1", "ConfigMap", {"labels": ["a"]}), "metadata.labels must be a map"),
        (obj("v1", "ConfigMap", {"labels": "a"}), "metadata.labels must be a map"),
        (obj("v1", "ConfigMap", {"annotations": {"a": 5}}), "metadata.annotations.a must be a string; quote it"),
        (obj("v1", "ConfigMap", {"namespace": 5}), "metadata.namespace must be a string; quote it"),
        (obj("v1", "ConfigMap", {"namespace": ["a"]}), "metadata.namespace must be a string"),
        (obj("v1", "ConfigMap", data=["a"]), "data must be a map"),
        (obj("apps/v1", "Deployment", spec="x"), "spec must be a map"),
        (obj("apps/v1", "Deployment", spec={"template": {}}), "has no spec.template.spec"),
        (
            obj("apps/v1", "Deployment", spec={"template": {"spec": {"containers": [{}]}}}),
            "has no spec.template.spec.containers[0].name",
        ),
        (obj(ADMISSION, "MutatingWebhookConfiguration", webhooks="x"), "webhooks must be a list"),
        (obj(ADMISSION, "MutatingWebhookConfiguration", webhooks=["x"]), "webhooks[0] must be a map"),
        (
            obj(ADMISSION, "ValidatingWebhookConfiguration", webhooks=[{"name": "a", "clientConfig": "x"}]),
            "webhooks[0].clientConfig must be a map",
        ),
        (obj(RBAC, "Role", rules=[None]), "has no rules[0]"),
        (obj(RBAC, "Role", rules={"a": 1}), "rules must be a list"),
        (obj(RBAC, "RoleBinding"), "has no roleRef"),
        (obj(RBAC, "RoleBinding", roleRef={}), "has no roleRef.kind"),
        (obj("apiextensions.k8s.io/v1", "CustomResourceDefinition"), "has no spec"),
        (obj("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", spec={"group": "a"}), "has no spec.scope"),
    ],
)
def test_flaws_are_named(found, flaw):
    with pytest.raises(MeshError) as caught:
        list(flatten([found], "objects"))
    assert str(caught.value) == f"objects, document 1, {found['kind']} a: {flaw}"


@pytest.mark.parametrize(
    "fine",
    [
        obj("v1", "ConfigMap", {"labels": None, "annotations": {"a": None}}, data=None),
        obj("apps/v1", "Deployment", spec={"template": {"spec": POD}}),
        obj("v1", "Pod", spec=POD),
        obj("example.com/v1", "Deployment", spec="x"),
        obj("example.com/v1", "Role", rules="x"),
        obj(RBAC, "ClusterRole", aggregationRule={}),
        obj(RBAC, "RoleBinding", roleRef={"kind": "Role", "name": "a"}),
    ],
)
def test_what_an_api_server_takes_passes(fine):
    assert list(flatten([fine], "objects")) == [fine]
