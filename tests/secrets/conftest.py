# SPDX-License-Identifier: Apache-2.0
"""A namespace of a bare API server with policies that repeat what they refuse, and directories of the tests' own."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from mesh.kube.cluster import Cluster, connect
from mesh.kube.failures import ApiFailure
from mesh.model.objects import Object
from mesh.model.options import Connection

from lab.addresses import Addresses
from lab.errors import LabError
from lab.home import Home
from lab.state import Lab, load

from .canaries import Canaries
from .cases import Case, Place, cases, secret
from .playing import Player

ROOT = Path(__file__).resolve().parents[2]
#: Which of the lab's bare API servers.
API = os.environ.get("LAB_API", "api")
_POLICIES = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture(scope="session")
def lab() -> Lab:
    try:
        state = load()
        state.cluster(API)
    except LabError as error:
        pytest.skip(str(error))
    return state


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> Iterator[Cluster]:
    found = connect(Connection(kubeconfig=lab.kubeconfig, context=API), API)
    yield found
    found.close()


@pytest.fixture
def place(lab: Lab, cluster: Cluster) -> Iterator[Place]:
    name = f"secrets-{secrets.token_hex(4)}"
    cluster.post("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    address = Home(API).access(Addresses(lab.cluster(API).number)).server
    try:
        yield Place(address, Home(API).pki / "ca.crt", lab.kubeconfig, API, name)
    finally:
        cluster.transport.raw("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def prepared(cluster: Cluster, place: Place, canaries: Canaries) -> Iterator[list[Case]]:
    """The cases, with what they meet in the cluster: policies that are in force, and a Secret that kubectl made."""
    found = list(cases(canaries, place))
    _apply_as_kubectl(cluster, place.namespace, canaries.make("adopted, live"))
    policies = [*_policy(place.namespace, "policed", "Deny"), *_policy(place.namespace, "warned", "Warn")]
    for path, obj in policies:
        cluster.post(f"{_POLICIES}/{path}", obj)
    try:
        _await_policies(cluster, place.namespace)
        yield found
    finally:
        for path, obj in policies:
            cluster.transport.raw("DELETE", f"{_POLICIES}/{path}/{obj['metadata']['name']}")


@pytest.fixture(scope="session")
def player(canaries: Canaries, tmp_path_factory: pytest.TempPathFactory) -> Player:
    extra = {"HELM_BINARY": str(ROOT / ".lab" / "bin" / "helm"), "KUBECONFIG": os.devnull}
    return Player(canaries, tmp_path_factory.mktemp("runs"), extra)


def _apply_as_kubectl(cluster: Cluster, namespace: str, value: str) -> None:
    """As client-side apply leaves it: with a copy of everything in an annotation."""
    obj = secret("kubectl", data={"password": base64.b64encode(value.encode()).decode()})
    obj["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(obj)}
    body = json.dumps(obj).encode()
    path = f"/api/v1/namespaces/{namespace}/secrets"
    cluster.transport.request("POST", path, query={"fieldManager": "kubectl-client-side-apply"}, body=body)


def _policy(namespace: str, name: str, action: str) -> Iterator[tuple[str, Object]]:
    """Repeats the Secret of that name in its refusal or warning."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}
    validation = {
        "expression": f"object.metadata.name != '{name}'",
        "messageExpression": "'do not like ' + object.data.password",
    }
    api = "admissionregistration.k8s.io/v1"
    metadata = {"name": f"{namespace}-{name}"}
    yield (
        "validatingadmissionpolicies",
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata,
            "spec": {
                "matchConstraints": {
                    "resourceRules": [rule],
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                },
                "validations": [validation],
            },
        },
    )
    yield (
        "validatingadmissionpolicybindings",
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": {"policyName": metadata["name"], "validationActions": [action]},
        },
    )


def _await_policies(cluster: Cluster, namespace: str) -> None:
    """They hold some moments after they were made; probed by what they let nobody do."""
    for name in ("policed", "warned"):
        probe = {**secret(name, data={"password": "cHJvYmU="}), "metadata": {"name": name, "namespace": namespace}}
        for _ in range(100):
            before = set(cluster.transport.notices)
            try:
                cluster.apply(probe, "probe", dry_run=True)
            except ApiFailure:
                break
            if set(cluster.transport.notices) != before:
                break
            cluster.transport.pause(0.1)
        else:
            raise AssertionError(f"policy {name} is not in force")
