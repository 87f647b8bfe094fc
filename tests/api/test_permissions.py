# SPDX-License-Identifier: Apache-2.0
"""A service account that may read everything and write only ConfigMaps of one namespace."""

from __future__ import annotations

from typing import Any

import pytest
from mesh.model.errors import MeshError
from mesh.model.objects import Ref
from mesh.model.options import Connection

from .conftest import API, Api, config_map


@pytest.fixture
def limited(api, lab, cluster, namespace, counted):
    """Runs operations as the service account, by its token."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "patch", "delete"]}]
    subject = {"kind": "ServiceAccount", "name": "limited", "namespace": namespace}
    rbac: dict[str, Any] = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    role: dict[str, Any] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "limited"}
    metadata = {"name": "limited", "namespace": namespace}
    for obj in (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {**rbac, "kind": "Role", "metadata": metadata, "rules": rules},
        {**rbac, "kind": "RoleBinding", "metadata": metadata, "roleRef": role, "subjects": [subject]},
        {
            **rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": namespace},
            "roleRef": {**role, "kind": "ClusterRole", "name": "view"},
            "subjects": [subject],
        },
    ):
        cluster.apply(obj, "test")
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = cluster.post(f"/api/v1/namespaces/{namespace}/serviceaccounts/limited/token", request)["status"]["token"]
    server = lab.cluster(API).server
    as_limited = Api(Connection(host=server, api_key=token, validate_certs=False), api.writes)
    yield as_limited
    cluster.transport.raw("DELETE", f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{namespace}")


def test_what_is_allowed_is_enough(limited, namespace):
    declared = {"name": "own", "namespace": namespace, "objects": [config_map("one", a="1")]}
    assert limited("config_set", declared).changed
    assert not limited("config_set", declared).changed
    limited("config_set", declared, "absent")


@pytest.mark.parametrize("check", [False, True])
def test_a_namespace_that_it_may_not_look_into_is_kept(api, limited, cluster, namespace, check):
    """An admin had the run make it; the account has roles in it, and lists no Secrets."""
    made = f"{namespace}-made"
    ours = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}}
    declared = {"name": "own", "namespace": namespace, "objects": [ours]}
    api("config_set", declared)
    report = limited("config_set", declared, "absent", check=check)
    assert f"Namespace {made} is kept: what it holds may not be listed; purge removes it" in report.warnings
    assert cluster.get("v1", "Namespace", "", made) is not None
    cluster.delete(Ref("", "Namespace", "", made))


@pytest.mark.parametrize("check", [False, True])
def test_what_is_missing_is_named_before_any_write(limited, namespace, check):
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 1}]}}
    declared = {"name": "own", "namespace": namespace, "objects": [config_map("one", a="1"), service]}
    limited.writes.clear()
    with pytest.raises(MeshError) as caught:
        limited("config_set", declared, check=check)
    assert str(caught.value) == (
        f"api: the credentials may not: create services s in {namespace}, patch services s in {namespace} "
        "(grant it, or use other credentials)"
    )
    assert caught.value.code == "forbidden"
    assert limited.writes == []


def test_without_any_right_the_first_look_is_refused(api, lab, cluster, namespace):
    """The default account of a namespace may not even read; the message names who, what and where."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody", "namespace": namespace}}
    cluster.apply(account, "test")
    token = cluster.post(f"/api/v1/namespaces/{namespace}/serviceaccounts/nobody/token", request)["status"]["token"]
    nobody = Api(Connection(host=lab.cluster(API).server, api_key=token, validate_certs=False), api.writes)
    declared = {"name": "own", "namespace": namespace, "objects": [config_map("one", a="1")]}
    with pytest.raises(MeshError) as caught:
        nobody("config_set", declared)
    assert (caught.value.code, caught.value.hint) == ("forbidden", "grant it, or use other credentials")
    assert f'User "system:serviceaccount:{namespace}:nobody" cannot get resource "configmaps"' in caught.value.msg
    assert caught.value.where == f"api: ConfigMap {namespace}/meshops-config-own"
    assert nobody.writes == []
