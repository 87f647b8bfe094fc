# SPDX-License-Identifier: Apache-2.0
"""What is taken away takes nothing of others along."""

from __future__ import annotations

import pytest
from mesh.model.objects import Ref
from mesh.model.sets import applyset_id

from .conftest import config_map
from .injectors import injector
from .policies import until
from .test_config_set import definition
from .test_control_plane import clean, plane  # noqa: F401 - fixtures
from .test_ownership import declared, labelled

PART_OF = "applyset.kubernetes.io/part-of"
SYSTEM = "istio-system"


def inside(namespace, obj, **marks):
    return {**obj, "metadata": {**obj["metadata"], "namespace": namespace, **marks}}


@pytest.fixture
def made(cluster, namespace):
    """A namespace that sets make, and that is gone afterwards."""
    name = f"{namespace}-made"
    yield name
    cluster.delete(Ref("", "Namespace", "", name))


def there(cluster, namespace, name=""):
    kind = ("ConfigMap", namespace, name) if name else ("Namespace", "", namespace)
    found = cluster.get("v1", *kind)
    return found is not None and "deletionTimestamp" not in found["metadata"]


def test_a_definition_that_leaves_a_set_stays_while_others_use_it(api, cluster, namespace):
    group = f"{namespace}.example.com"
    api("config_set", declared(namespace, config_map("one"), definition(group)))
    cluster.forget_kinds()
    foreign = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": namespace}}
    cluster.apply(foreign, "them")
    for _ in range(2):
        kept = api("config_set", declared(namespace, config_map("one")))
        assert not kept.changed
        assert kept.warnings == [
            f"CustomResourceDefinition widgets.{group} is kept: it holds 1 Widget; purge removes them"
        ]
    cluster.delete(Ref(group, "Widget", namespace, "w"))
    gone = api("config_set", declared(namespace, config_map("one")))
    assert [(change.action, change.ref.kind) for change in gone.objects if change.action != "unchanged"] == [
        ("delete", "CustomResourceDefinition")
    ]


def test_what_others_made_in_the_place_of_ours_keeps_the_namespace(api, cluster, namespace, made):
    wanted = declared(namespace, labelled(made), inside(made, config_map("a", ours="1")))
    api("config_set", wanted)
    cluster.delete(Ref("", "ConfigMap", made, "a"))
    cluster.apply(inside(made, config_map("a", theirs="1")), "them")
    told = api("config_set", wanted, "absent")
    assert f"Namespace {made} is kept: it holds 1 ConfigMap; purge removes them" in told.warnings
    assert there(cluster, made, "a")


def test_what_only_bears_our_label_keeps_the_namespace(api, cluster, namespace, made):
    wanted = declared(namespace, labelled(made), inside(made, config_map("a", ours="1")))
    api("config_set", wanted)
    labels = {PART_OF: applyset_id(f"config-{namespace}", namespace)}
    cluster.apply(inside(made, config_map("copy", theirs="1"), labels=labels), "them")
    told = api("config_set", wanted, "absent")
    assert f"Namespace {made} is kept: it holds 1 ConfigMap; purge removes them" in told.warnings
    assert there(cluster, made, "copy")
    assert not there(cluster, made, "a")


@pytest.mark.parametrize("home", ["in it", "elsewhere"])
def test_a_namespace_that_another_set_declares_is_not_the_first_ones_to_remove(api, cluster, namespace, made, home):
    first = declared(namespace, labelled(made), name="first")
    second = declared(made if home == "in it" else namespace, labelled(made, level="high"), name="second")
    api("config_set", first)
    api("config_set", second)
    told = api("config_set", first, "absent")
    assert len([text for text in told.warnings if text.startswith(f"Namespace {made} is kept: ")]) == 1
    assert cluster.get("v1", "Namespace", "", made)["metadata"]["labels"]["level"] == "high"
    assert not api("config_set", second).changed
    api("config_set", second, "absent")
    api("config_set", first, "absent")
    assert not there(cluster, made)


def test_a_member_that_others_own_is_a_member_still(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("owner"), config_map("owned")))
    owner = cluster.get("v1", "ConfigMap", namespace, "owner")["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}
    owned = inside(namespace, config_map("owned"), ownerReferences=[reference])
    cluster.merge_patch(Ref("", "ConfigMap", namespace, "owned"), {"metadata": {"ownerReferences": [reference]}})
    assert not api("config_set", declared(namespace, config_map("owner"), config_map("owned"))).changed
    api("config_set", declared(namespace, config_map("owner"), owned))
    assert not api("config_set", declared(namespace, config_map("owner"), owned)).changed
    api("config_set", declared(namespace, config_map("owner")))
    assert not there(cluster, namespace, "owned")


def istiod_of_somebody_else(cluster, *, revision):
    """What an istiod that Helm installed needs to go on, and its Deployment."""
    until(lambda: there(cluster, SYSTEM) or cluster.get("v1", "Namespace", "", SYSTEM) is None)
    cluster.apply(labelled(SYSTEM), "helm")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "istio-ca-secret", "namespace": SYSTEM}}
    root = inside("default", config_map("istio-ca-root-cert"), labels={"istio.io/config": "true"})
    labels = {"app": "istiod", "istio.io/rev": revision}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "discovery", "image": "i"}]}}
    metadata = {"name": "istiod-theirs", "namespace": SYSTEM, "labels": labels}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    for obj in ({**secret, "stringData": {"ca-key.pem": "theirs"}}, root, deployment):
        cluster.apply(obj, "helm", force=True)


def removed(cluster):
    for key in (
        Ref("apps", "Deployment", SYSTEM, "istiod-theirs"),
        Ref("", "ConfigMap", "default", "istio-ca-root-cert"),
        Ref("", "Secret", SYSTEM, "istio-ca-secret"),
        Ref("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "", "theirs"),
    ):
        cluster.delete(key)


@pytest.mark.parametrize("found_by", ["nothing of ours", "their Deployment", "their injector"])
def test_the_authority_of_a_mesh_that_others_installed_stays(api, clean, plane, cluster, found_by):  # noqa: F811
    istiod_of_somebody_else(cluster, revision="theirs")
    if found_by != "nothing of ours":
        plane(revision="ours")
    if found_by == "their injector":
        cluster.apply(injector("theirs", {"istio.io/rev": "theirs"}), "helm")
        cluster.delete(Ref("apps", "Deployment", SYSTEM, "istiod-theirs"))
    try:
        told = plane("absent", revision="ours")
        assert told.changed == (found_by != "nothing of ours")
        assert cluster.get("v1", "Secret", SYSTEM, "istio-ca-secret") is not None
        assert there(cluster, "default", "istio-ca-root-cert")
    finally:
        removed(cluster)
        if told.changed:  # what is shared, too, goes with the last one
            plane(revision="ours")
            plane("absent", revision="ours")
        cluster.delete(Ref("", "Namespace", "", SYSTEM))
