# SPDX-License-Identifier: Apache-2.0
"""What stands in the way of a change: immutable fields, objects and namespaces that are going, sizes, webhooks."""

from __future__ import annotations

import threading
import time

import pytest
from mesh.kube import retrying
from mesh.model.errors import MeshError
from mesh.model.objects import Ref

from .conftest import config_map
from .policies import denied


def declared(namespace, *objects, name=""):
    return {"name": name or namespace, "namespace": namespace, "objects": list(objects)}


def immutable(name, **data):
    return {**config_map(name, **data), "immutable": True}


def binding(role):
    role_ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
    metadata = {"name": "b"}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": role_ref,
    }


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (immutable("one", a="1"), immutable("one", a="2"), "immutable"),
        (binding("x"), binding("y"), "roleRef"),
    ],
)
def test_an_immutable_field_is_named_and_recreated_only_on_request(api, cluster, namespace, before, after, complaint):
    api("config_set", declared(namespace, before))
    with pytest.raises(MeshError, match=complaint) as caught:
        api("config_set", declared(namespace, config_map("new", a="1"), after))
    assert caught.value.code == "immutable"
    assert "recreate" in caught.value.hint
    assert api.writes == []
    told = api("config_set", declared(namespace, after), check=True, recreate=True)
    assert [change.action for change in told.objects] == ["recreate"]
    assert api.writes == []
    old = cluster.get(before["apiVersion"], before["kind"], namespace, before["metadata"]["name"])
    done = api("config_set", declared(namespace, after), recreate=True)
    assert [change.as_dict() for change in done.objects] == [change.as_dict() for change in told.objects]
    new = cluster.get(before["apiVersion"], before["kind"], namespace, before["metadata"]["name"])
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert not api("config_set", declared(namespace, after), recreate=True).changed


def deployment(select, label):
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": {"a": select}},
        "template": {"metadata": {"labels": {"a": label}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "page"}, "spec": spec}


def test_what_would_be_refused_anyway_is_not_deleted_for_it(api, cluster, namespace):
    """More than an immutable field is wrong."""
    api("config_set", declared(namespace, deployment("x", "x")))
    for check in (True, False):
        with pytest.raises(MeshError, match="does not match") as caught:
            api("config_set", declared(namespace, deployment("y", "x")), check=check, recreate=True)
        assert caught.value.code == "invalid_object"
        assert api.writes == []


def test_a_new_object_is_tried_out_before_the_old_one_goes(api, cluster, namespace):
    """An immutable field hides from a dry run what a policy says of the rest."""
    api("config_set", declared(namespace, immutable("one", a="1")))
    with denied(cluster, namespace, "!has(object.data.no)", config_map("x", no="1")):
        for check in (True, False):
            with pytest.raises(MeshError, match="the new object would be refused: ") as caught:
                api("config_set", declared(namespace, immutable("one", no="2")), check=check, recreate=True)
            assert "one-trial" not in str(caught.value)
            assert api.writes == []


def test_an_old_object_is_put_back_when_the_new_one_fails(api, cluster, namespace):
    """Where nothing could tell before: here for a policy that goes by the name."""
    api("config_set", declared(namespace, immutable("one", a="1")))
    by_name = "(!has(object.data.no) || !(object.metadata.name in ['one', 'example']))"
    with denied(cluster, namespace, by_name, config_map("example", no="1")) as lift:
        with pytest.raises(MeshError, match="; the old object was put back"):
            api("config_set", declared(namespace, immutable("one", no="2")), recreate=True)
        assert cluster.get("v1", "ConfigMap", namespace, "one")["data"] == {"a": "1"}
        assert not api("config_set", declared(namespace, immutable("one", a="1"))).changed
        lift()
        assert api("config_set", declared(namespace, immutable("one", no="2")), recreate=True).changed


def test_a_first_run_that_is_refused_leaves_nothing(api, cluster, namespace):
    broken = {**config_map("a"), "immutable": "no"}
    with pytest.raises(MeshError) as caught:
        api("config_set", declared(namespace, broken))
    assert caught.value.code == "invalid_object"
    assert cluster.list("v1", "ConfigMap", namespace, "applyset.kubernetes.io/id") == []


@pytest.mark.parametrize("state", ["with an inventory", "without"])
def test_a_namespace_that_is_missing_is_told_before_a_write(api, namespace, state):
    if state == "with an inventory":
        api("config_set", declared(namespace, config_map("one")))
    lost = {**config_map("a"), "metadata": {"name": "a", "namespace": f"{namespace}-x"}}
    objects = declared(namespace, config_map("one"), config_map("two"), lost)
    told = api("config_set", objects, check=True)
    place, hint = f"ConfigMap {namespace}-x/a", "make it first, or declare it among the objects"
    text = f"{place}: there is no namespace {namespace}-x ({hint})"
    assert told.warnings == [f"{text}, unless an earlier step does so"]
    with pytest.raises(MeshError) as caught:
        api("config_set", objects)
    assert (caught.value.code, str(caught.value)) == ("missing_dependency", f"api: {text}")
    assert api.writes == []


def test_a_set_without_objects_is_a_slip(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("one")))
    with pytest.raises(MeshError, match="objects: is required"):
        api("config_set", {"name": namespace, "namespace": namespace})
    assert cluster.get("v1", "ConfigMap", namespace, "one") is not None
    assert api("config_set", {"name": namespace, "namespace": namespace}, "absent").changed


def test_a_name_that_is_too_long_for_a_label(api, namespace):
    with pytest.raises(MeshError, match="has 66 characters, 63 are possible") as caught:
        api("config_set", {"name": "a" * 59, "namespace": namespace, "objects": []}, check=True)
    assert caught.value.code == "invalid_option"


def test_an_object_that_is_being_deleted_is_made_anew_after_it(api, cluster, namespace):
    held = {**config_map("one", a="1"), "metadata": {"name": "one", "finalizers": ["meshops.invalid/held"]}}
    plain = config_map("one", a="2")
    api("config_set", declared(namespace, held))
    cluster.delete(Ref("", "ConfigMap", namespace, "one"))
    with pytest.raises(MeshError, match=r"meshops\.invalid/held") as caught:
        api("config_set", declared(namespace, plain), wait_timeout=1)
    assert caught.value.code == "not_ready"

    def let_go():
        time.sleep(0.7)
        cluster.merge_patch(Ref("", "ConfigMap", namespace, "one"), {"metadata": {"finalizers": None}})

    helper = threading.Thread(target=let_go)
    helper.start()
    report = api("config_set", declared(namespace, plain), wait_timeout=20)
    helper.join()
    assert [(change.action, change.reason) for change in report.objects] == [
        ("create", "after the one that is being deleted")
    ]
    assert cluster.get("v1", "ConfigMap", namespace, "one")["data"] == {"a": "2"}
    assert not api("config_set", declared(namespace, plain)).changed


def test_a_namespace_that_is_being_deleted_says_what_holds_it(api, cluster, namespace):
    held = {"name": "held", "namespace": namespace, "finalizers": ["meshops.invalid/held"]}
    cluster.apply({**config_map("held"), "metadata": held}, "them")
    cluster.delete(Ref("", "Namespace", "", namespace))
    try:
        with pytest.raises(MeshError, match=r"being (deleted|terminated)") as caught:
            api("config_set", declared(namespace, config_map("one", a="1")), wait_timeout=3)
        assert caught.value.code == "conflict"
    finally:
        cluster.merge_patch(Ref("", "ConfigMap", namespace, "held"), {"metadata": {"finalizers": None}})


def test_a_namespace_of_the_set_that_is_being_deleted_is_waited_for(api, cluster, namespace):
    made = f"{namespace}-made"
    ours = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}}
    wanted = {"name": namespace, "namespace": made, "objects": [ours, config_map("one", a="1")]}
    api("config_set", wanted)
    cluster.delete(Ref("", "Namespace", "", made))
    api("config_set", wanted, wait_timeout=60)
    assert cluster.get("v1", "ConfigMap", made, "one")["data"] == {"a": "1"}
    assert not api("config_set", wanted).changed
    api("config_set", wanted, "absent")


def test_what_holds_a_namespace_of_the_set_is_named(api, cluster, namespace):
    made = f"{namespace}-made"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}}, "them")
    held = {"name": "held", "namespace": made, "finalizers": ["meshops.invalid/held"]}
    cluster.apply({**config_map("held"), "metadata": held}, "them")
    cluster.delete(Ref("", "Namespace", "", made))
    try:
        with pytest.raises(MeshError, match=r"configmaps.*meshops\.invalid/held in 1 resource") as caught:
            api("injection", {"namespaces": [made], "mode": "none"}, wait_timeout=20)
        assert caught.value.code == "not_ready"
    finally:
        cluster.merge_patch(Ref("", "ConfigMap", made, "held"), {"metadata": {"finalizers": None}})


def test_what_is_too_large_is_said_before_anything_is_written(api, namespace):
    large = config_map("large", a="x" * 1_100_000)
    with pytest.raises(MeshError, match=r"its data has 1\.05 MiB") as caught:
        api("config_set", declared(namespace, config_map("one", a="1"), large))
    assert caught.value.code == "invalid_object"
    assert caught.value.where.endswith(f"ConfigMap {namespace}/large")
    assert api.writes == []


def test_a_large_definition_needs_no_annotation(api, cluster, namespace):
    """kubectl's client-side apply fails above 262,144 bytes; server-side apply does not."""
    group = f"{namespace}.meshops.invalid"
    properties = {f"field{i}": {"type": "string", "description": "d" * 200} for i in range(1500)}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"wides.{group}"},
        "spec": {
            "group": group,
            "names": {"plural": "wides", "singular": "wide", "kind": "Wide", "listKind": "WideList"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    wide = {"apiVersion": f"{group}/v1", "kind": "Wide", "metadata": {"name": "w"}, "spec": {"field7": "x"}}
    wanted = declared(namespace, definition, wide)
    api("config_set", wanted, wait_timeout=60)
    assert not api("config_set", wanted).changed
    assert api.writes == []
    api("config_set", wanted, "absent", purge=True)
    assert cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"wides.{group}") is None


def test_a_webhook_of_others_that_is_down_is_named(api, cluster, namespace, monkeypatch):
    monkeypatch.setattr(retrying, "WEBHOOK_BUDGET", 1.0)
    webhook = {
        "name": "down.meshops.invalid",
        "clientConfig": {"url": "https://127.0.0.1:1/x"},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchLabels": {"app.kubernetes.io/managed-by": "meshops"}},
        "matchConditions": [{"name": "one", "expression": "request.name == 'one'"}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    name = f"down-{namespace}"
    cluster.apply(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [webhook],
        },
        "them",
    )
    try:
        _until_it_answers(cluster, namespace)
        with pytest.raises(MeshError, match=r"down\.meshops\.invalid") as caught:
            api("config_set", declared(namespace, config_map("one", a="1")))
        assert caught.value.code == "webhook_unavailable"
    finally:
        cluster.delete(Ref("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "", name))
    assert api("config_set", declared(namespace, config_map("one", a="1"))).changed


def _until_it_answers(cluster, namespace):
    """API servers read webhook configurations a moment later."""
    labels = {"app.kubernetes.io/managed-by": "meshops"}
    probe = {**config_map("one"), "metadata": {"name": "one", "namespace": namespace, "labels": labels}}
    for _ in range(50):
        try:
            cluster.dry_run_create(probe)
        except MeshError:
            return
        time.sleep(0.1)
    pytest.fail("the webhook is not asked")
