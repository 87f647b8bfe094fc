# SPDX-License-Identifier: Apache-2.0
"""What others do to our objects by right: the plan stays empty, and nobody's work is undone."""

from __future__ import annotations

from typing import Any

import pytest
from mesh.model.objects import Ref

from .conftest import config_map


def declared(namespace, *objects):
    return {"name": namespace, "namespace": namespace, "objects": list(objects)}


def deployment(**spec: Any) -> dict[str, Any]:
    """With everything that API servers fill in or write in another form: quantities, ports, probes, defaults."""
    container = {
        "name": "app",
        "image": "meshops.invalid/app:1",
        "ports": [{"containerPort": 80}, {"containerPort": 443, "name": "tls"}],
        "env": [
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            {"name": "EMPTY", "value": ""},
        ],
        "resources": {"requests": {"cpu": "0.1", "memory": "1024Ki"}, "limits": {"cpu": 1, "memory": "1Gi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
        "securityContext": {"capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app", "annotations": {}},
        "spec": {
            "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}, "creationTimestamp": None},
                "spec": {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1024Mi"}}]},
            },
            **spec,
        },
    }


def service() -> dict[str, Any]:
    ports = [{"port": 80, "name": "http"}, {"port": 80, "name": "dns", "protocol": "UDP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "app"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "app"}, "ports": ports},
    }


def webhook() -> dict[str, Any]:
    rule = {"apiGroups": ["x.io"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["things"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "noise"},
        "webhooks": [
            {
                "name": "noise.meshops.invalid",
                "clientConfig": {"service": {"name": "app", "namespace": "default", "path": "/v"}},
                "rules": [rule],
                "failurePolicy": "Ignore",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }


OBJECTS = [
    deployment(),
    service(),
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app"}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}},
    {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "app"},
        "spec": {
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
                }
            ],
        },
    },
    {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "app"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "app"}}},
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "app"},
        "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}]},
    },
]


def test_what_the_api_server_fills_in_is_no_change(api, namespace):
    api("config_set", declared(namespace, *OBJECTS))
    report = api("config_set", declared(namespace, *OBJECTS))
    assert [change.as_dict() for change in report.objects if change.action != "unchanged"] == []
    assert api.writes == []


#: (what somebody else does, kind, patch)
_OTHERS = [
    ("kubectl annotate", "Deployment", {"metadata": {"annotations": {"note": "by hand"}}}),
    ("kubectl label", "Service", {"metadata": {"labels": {"team": "x"}}}),
    ("an autoscaler", "Deployment", {"metadata": {}, "spec": {"replicas": 4}}),
    ("kubectl rollout restart", "Deployment", {"spec": {"template": {"metadata": {"annotations": {"at": "now"}}}}}),
    ("a load balancer controller", "Service", {"metadata": {"finalizers": ["lb.meshops.invalid/x"]}}),
    ("a token controller", "ServiceAccount", {"metadata": {}, "imagePullSecrets": [{"name": "added"}]}),
]


@pytest.mark.parametrize(("kind", "patch"), [row[1:] for row in _OTHERS], ids=[row[0] for row in _OTHERS])
def test_fields_of_others_are_no_drift(api, cluster, namespace, kind, patch):
    api("config_set", declared(namespace, *OBJECTS))
    group = "apps" if kind == "Deployment" else ""
    key = Ref(group, kind, namespace, "s" if kind == "Secret" else "app")
    after = cluster.merge_patch(key, {"metadata": {}, **patch})
    assert not api("config_set", declared(namespace, *OBJECTS)).changed
    assert api.writes == []
    now = cluster.get(after["apiVersion"], kind, namespace, key.name)
    assert now["metadata"].get("generation") == after["metadata"].get("generation")
    cluster.merge_patch(key, {"metadata": {"finalizers": None}})


def test_certificates_that_a_controller_fills_in_and_policies_that_it_tightens_stay(api, cluster, namespace):
    api("config_set", declared(namespace, webhook()))
    try:
        (hook,) = cluster.get("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "noise")[
            "webhooks"
        ]
        for bundle in ("Y2Ex", "Y2Ey"):  # rotated
            hook = {**hook, "clientConfig": {**hook["clientConfig"], "caBundle": bundle}, "failurePolicy": "Fail"}
            key = Ref("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", "noise")
            cluster.merge_patch(key, {"metadata": {}, "webhooks": [hook]})
            assert not api("config_set", declared(namespace, webhook())).changed
            assert api.writes == []
    finally:
        api("config_set", declared(namespace), "absent")


def definition(group: str, stored: str) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": name, "served": True, "storage": name == stored, "schema": schema} for name in ("v1", "v2")]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "scope": "Namespaced",
            "versions": versions,
        },
    }


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_conversion_and_another_stored_version_are_no_change(api, cluster, namespace, version):
    """As after an upgrade of the API server or of the definition: objects are stored anew in another version."""
    group = f"{namespace}.{version}.meshops.invalid"
    thing = {"apiVersion": f"{group}/{version}", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"a": [1, 2]}}
    wanted = declared(namespace, definition(group, "v1"), thing)
    api("config_set", wanted, wait_timeout=30)
    assert not api("config_set", wanted).changed
    cluster.apply(definition(group, "v2"), "them", force=True)
    cluster.forget_kinds()
    # Storage migration: every object is written again as it is.
    key = Ref(group, "Thing", namespace, "t")
    cluster.merge_patch(key, {"metadata": {}, "spec": {"a": [1, 2]}})
    report = api("config_set", declared(namespace, definition(group, "v2"), thing))
    assert [
        change.as_dict() for change in report.objects if change.ref.kind == "Thing" and change.action != "unchanged"
    ] == []
    api("config_set", declared(namespace), "absent", purge=True, wait_timeout=30)


def test_a_change_of_the_order_of_containers_is_a_change(api, cluster, namespace):
    one = deployment()
    containers = one["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "second", "image": "meshops.invalid/app:2"})
    api("config_set", declared(namespace, one))
    containers.reverse()
    report = api("config_set", declared(namespace, one))
    (live,) = cluster.list("apps/v1", "Deployment", namespace)
    order = [item["name"] for item in live["spec"]["template"]["spec"]["containers"]]
    assert report.changed == (order == ["second", "app"])
    assert not api("config_set", declared(namespace, one)).changed
    assert api.writes == []


def test_a_version_that_the_server_does_not_prefer_is_no_change(api, cluster, namespace):
    scaled = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 3}
    scaler = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "page"}}
    wanted = {**scaler, "spec": {**scaled, "targetCPUUtilizationPercentage": 80}}
    api("config_set", declared(namespace, wanted))
    assert not api("config_set", declared(namespace, wanted)).changed
    assert api.writes == []
    more = {**scaler, "spec": {**scaled, "targetCPUUtilizationPercentage": 90}}
    (change,) = api("config_set", declared(namespace, more)).objects
    assert [field.path for field in change.fields] == ["spec.targetCPUUtilizationPercentage"]


def test_what_leaves_the_texts_of_a_secret_leaves_the_secret(api, cluster, namespace):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "page"}}
    both, one = ({**secret, "stringData": texts} for texts in ({"a": "1", "b": "2"}, {"a": "1"}))
    api("config_set", declared(namespace, both))
    assert not api("config_set", declared(namespace, both)).changed
    api("config_set", declared(namespace, one))
    assert cluster.get("v1", "Secret", namespace, "page")["data"] == {"a": "MQ=="}
    assert not api("config_set", declared(namespace, {**secret, "data": {"a": "MQ=="}})).changed


def test_a_label_that_was_taken_off_is_put_back(api, cluster, namespace):
    wanted = declared(namespace, config_map("one", a="1"))
    api("config_set", wanted)
    key = Ref("", "ConfigMap", namespace, "one")
    cluster.merge_patch(key, {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}})
    (change,) = api("config_set", wanted).objects
    assert change.action == "update"
    assert not api("config_set", wanted).changed


def test_config_maps_of_controllers_do_not_show(api, cluster, namespace):
    """istiod and others copy our label on nothing; what appears beside our objects is not looked at."""
    wanted = declared(namespace, config_map("one", a="1"))
    api("config_set", wanted)
    cluster.apply({**config_map("beside", a="1"), "metadata": {"name": "beside", "namespace": namespace}}, "them")
    assert not api("config_set", wanted).changed
