# SPDX-License-Identifier: Apache-2.0
"""From live objects back to their declaration: what comes out is what went in, and changes nothing."""

from __future__ import annotations

from mesh.model.sets import manager
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from mesh.plan.extract import extracted

from .conftest import config_map

LABELS = {"app": "shop", "example.com/tier": "front"}


def obj(api_version, kind, name, content, **metadata):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}, **content}


#: Atomic (as the ports below), with a default: what the API server adds comes back, too.
_NODE = {"apiVersion": "v1", "fieldPath": "spec.nodeName"}


def deployment():
    container = {
        "name": "app",
        "image": "example.invalid/app:1",
        "args": ["--a", "--b"],
        "env": [{"name": "A", "value": "1"}, {"name": "NODE", "valueFrom": {"fieldRef": _NODE}}],
        "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = {
        "metadata": {"labels": LABELS, "annotations": {"example.com/a": "b"}},
        "spec": {
            "containers": [container],
            "imagePullSecrets": [{"name": "pull"}],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }
    return obj("apps/v1", "Deployment", "app", {"spec": {"selector": {"matchLabels": LABELS}, "template": pod}})


def service():
    ports = [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    return obj("v1", "Service", "app", {"spec": {"selector": LABELS, "ports": ports}}, labels=LABELS)


DECLARED = [
    config_map("plain", a="1"),
    obj("v1", "ConfigMap", "marked", {"data": {}}, labels=LABELS, annotations={"example.com/why": "because"}),
    obj("v1", "Secret", "secret", {"type": "Opaque", "data": {"key": "dmFsdWU="}}),
    obj("v1", "ServiceAccount", "app", {"imagePullSecrets": [{"name": "pull"}]}, finalizers=[]),
    deployment(),
    service(),
    obj(
        "rbac.authorization.k8s.io/v1",
        "Role",
        "app",
        {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]},
    ),
    obj(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "app",
        {
            "spec": {
                "podSelector": {},
                "policyTypes": ["Ingress"],
                "ingress": [{"ports": [{"protocol": "TCP", "port": 80}]}],
            }
        },
    ),
]


def test_what_was_declared_comes_back(api, cluster, namespace):
    wanted = {"name": "shop", "namespace": namespace, "objects": DECLARED}
    api("config_set", wanted, wait=False)
    mine = manager("config_set", namespace, "shop")
    back = []
    for declared in DECLARED:
        live = cluster.get(declared["apiVersion"], declared["kind"], namespace, declared["metadata"]["name"])
        found = extracted(live, mine)
        metadata = {key: value for key, value in declared["metadata"].items() if value}
        content = {key: value for key, value in declared.items() if value}
        assert found == {**content, "metadata": {**metadata, "namespace": namespace}}
        back.append(found)
    assert not api("config_set", {**wanted, "objects": back}, wait=False).changed


def test_a_set_is_recovered_from_its_members(api, cluster, namespace):
    wanted = {"name": "shop", "namespace": namespace, "objects": DECLARED}
    api("config_set", wanted, wait=False)
    operation = OPERATIONS["config_set"]
    spec = parse(operation.spec, {"name": "shop", "namespace": namespace})
    live = [
        cluster.get(item["apiVersion"], item["kind"], namespace, item["metadata"]["name"]) for item in DECLARED[::-1]
    ]
    recovered = operation.recovered(spec, live)
    assert sorted(item["kind"] for item in recovered.objects) == sorted(item["kind"] for item in DECLARED)
    assert not api("config_set", {**wanted, "objects": recovered.objects}, wait=False).changed


def test_what_was_given_as_text_comes_back_as_data(api, cluster, namespace):
    secret = obj("v1", "Secret", "text", {"stringData": {"key": "value"}})
    api("config_set", {"name": "shop", "namespace": namespace, "objects": [secret]})
    found = extracted(cluster.get("v1", "Secret", namespace, "text"), manager("config_set", namespace, "shop"))
    assert found["data"] == {"key": "dmFsdWU="}
