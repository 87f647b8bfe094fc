# SPDX-License-Identifier: Apache-2.0
"""What a resource lives through: preview, up, nothing to do, drift, change, partial failure, import, destroy."""

from __future__ import annotations

import json

import pulumi
import pytest
from mesh.apply.engine import run
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from pulumi import automation

import pulumi_mesh as mesh
from pulumi_mesh._core.model.errors import MeshError
from pulumi_mesh.provider.configuration import configure
from pulumi_mesh.provider.host import Host
from pulumi_mesh.provider.properties import UNKNOWN, Secret
from pulumi_mesh.provider.provider import Provider

from .conftest import API
from .programs import config_map, config_set

KIND = "ConfigSet"
TWO = [config_map("a", level="info"), config_map("b", level="info")]


def data(cluster, namespace, name):
    found = cluster.get("v1", "ConfigMap", namespace, name)
    return None if found is None else found["data"]


def test_from_nothing_to_nothing(lab, cluster, namespace, stack, writes):
    program = config_set(lab, API, namespace, TWO)
    assert stack.run("preview", program).of(KIND) == {"create": 1}
    assert data(cluster, namespace, "a") is None

    made = stack.run("up", program)
    assert made.of(KIND) == {"create": 1}
    assert data(cluster, namespace, "a") == {"level": "info"}
    assert sorted(made.outputs["inventory"]) == [f"ConfigMap {namespace}/a", f"ConfigMap {namespace}/b"]

    assert writes(lambda: stack.run("up", program)) == 0
    assert not stack.run("up", program).changed

    gone = stack.run("destroy", program)
    assert gone.of(KIND) == {"delete": 1}
    assert data(cluster, namespace, "a") is None
    left = [obj["metadata"]["name"] for obj in cluster.list("v1", "ConfigMap", namespace)]
    assert [name for name in left if name != "kube-root-ca.crt"] == []


def test_a_change_updates_only_what_differs(lab, cluster, namespace, stack):
    stack.run("up", config_set(lab, API, namespace, TWO))
    before = {name: cluster.get("v1", "ConfigMap", namespace, name)["metadata"]["resourceVersion"] for name in "ab"}
    changed = config_set(lab, API, namespace, [TWO[0], config_map("b", level="debug"), config_map("c", level="info")])

    planned = stack.run("preview", changed)
    assert planned.of(KIND) == {"update": 1}
    assert f"ConfigMap {namespace}/b" in planned.text
    assert f"ConfigMap {namespace}/a" not in planned.text
    assert "data.level" in planned.text

    assert stack.run("up", changed).of(KIND) == {"update": 1}
    after = {name: cluster.get("v1", "ConfigMap", namespace, name)["metadata"]["resourceVersion"] for name in "ab"}
    assert (after["a"] == before["a"], after["b"] == before["b"]) == (True, False)
    assert data(cluster, namespace, "c") == {"level": "info"}

    stack.run("up", config_set(lab, API, namespace, TWO[:1]))
    assert [data(cluster, namespace, name) for name in "abc"] == [{"level": "info"}, None, None]
    stack.run("destroy", changed)


def edit(cluster, namespace, name, **values):
    path = f"/api/v1/namespaces/{namespace}/configmaps/{name}"
    body = json.dumps({"data": values}).encode()
    cluster.transport.raw("PATCH", path, body=body, content_type="application/merge-patch+json")


def test_drift_shows_in_refresh_and_is_put_back(lab, cluster, namespace, stack):
    program = config_set(lab, API, namespace, TWO)
    stack.run("up", program)
    edit(cluster, namespace, "a", level="changed by hand")

    refreshed = stack.run("refresh", program)
    drift = stack.run("preview", program)
    assert '+ data.level: "changed by hand"' in refreshed.text
    assert f"ConfigMap {namespace}/b: {{" not in refreshed.text.partition("mesh:index:ConfigSet")[2]
    assert drift.of(KIND) == {"update": 1}

    # Without a refresh, too: a preview looks at the cluster, not at the state.
    assert stack.run("up", program).of(KIND) == {"update": 1}
    edit(cluster, namespace, "b", level="changed by hand")
    assert stack.run("up", program).of(KIND) == {"update": 1}
    assert [data(cluster, namespace, name)["level"] for name in "ab"] == ["info", "info"]
    stack.run("destroy", program)


def test_what_was_deleted_by_hand_is_made_again(lab, cluster, namespace, stack):
    program = config_set(lab, API, namespace, TWO)
    stack.run("up", program)
    for name in ("a", "b", "meshops-config-traffic"):
        cluster.transport.raw("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/{name}")
    stack.run("refresh", program)
    assert stack.run("up", program).of(KIND) == {"create": 1}
    assert data(cluster, namespace, "a") == {"level": "info"}
    stack.run("destroy", program)


def test_what_others_emptied_is_still_this_resources(lab, cluster, namespace, stack):
    """Its inventory is there: whoever forgot the resource would leave that behind."""
    program = config_set(lab, API, namespace, TWO)
    stack.run("up", program)
    for name in "ab":
        cluster.transport.raw("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/{name}")
    stack.run("refresh", program)
    stack.run("destroy", program)
    assert cluster.get("v1", "ConfigMap", namespace, "meshops-config-traffic") is None


def test_what_ansible_installed_is_imported_without_a_difference(lab, cluster, namespace, stack, writes):
    operation = OPERATIONS["config_set"]
    spec = parse(operation.spec, {"name": "traffic", "namespace": namespace, "objects": TWO})
    run(operation, spec, cluster, RunOptions(), Mode(), lambda _line: None)

    imported = config_set(lab, API, namespace, TWO, opts=pulumi.ResourceOptions(import_=f"{namespace}/traffic"))
    assert writes(lambda: stack.run("up", imported)) == 0
    plain = config_set(lab, API, namespace, TWO)
    assert not stack.run("up", plain).changed
    report = run(operation, spec, cluster, RunOptions(), Mode(), lambda _line: None)
    assert not report.changed
    stack.run("destroy", plain)
    assert data(cluster, namespace, "a") is None


def test_a_name_that_changes_replaces_the_set(lab, cluster, namespace, stack):
    stack.run("up", config_set(lab, API, namespace, TWO))
    renamed = config_set(lab, API, namespace, TWO, name="other")
    planned = stack.run("preview", renamed)
    assert "replace" in planned.of(KIND)
    stack.run("up", renamed)
    assert cluster.get("v1", "ConfigMap", namespace, "meshops-config-traffic") is None
    assert cluster.get("v1", "ConfigMap", namespace, "meshops-config-other") is not None
    assert data(cluster, namespace, "a") == {"level": "info"}
    stack.run("destroy", renamed)


def never():
    """A Deployment that nobody runs."""
    labels = {"app": "never"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "example.invalid/a"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "never"},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }


def test_what_a_failed_run_made_is_kept_and_the_next_goes_on(lab, cluster, namespace, stack):
    with pytest.raises(automation.CommandError, match=r"Deployment .*/never"):
        stack.run("up", config_set(lab, API, namespace, [*TWO, never()], wait_timeout=2))
    assert data(cluster, namespace, "a") == {"level": "info"}
    whole = config_set(lab, API, namespace, TWO)
    assert stack.run("up", whole).of(KIND) == {"update": 1}
    assert cluster.get("apps/v1", "Deployment", namespace, "never") is None
    assert not stack.run("up", whole).changed
    stack.run("destroy", whole)


def test_what_is_renamed_or_replaced_in_the_program_alone_stays(lab, cluster, namespace, stack):
    """The engine makes the new one, which finds everything as declared, and deletes the old one: the same thing."""
    stack.run("up", config_set(lab, API, namespace, TWO))
    renamed = config_set(lab, API, namespace, TWO, resource="renamed")
    assert stack.run("up", renamed).of(KIND) == {"create": 1, "delete": 1}
    assert data(cluster, namespace, "a") == {"level": "info"}
    urn = f"urn:pulumi:{stack.name}::tests::mesh:index:ConfigSet::renamed"
    stack.run("up", renamed, replace=[urn])
    assert data(cluster, namespace, "a") == {"level": "info"}
    assert not stack.run("up", renamed).changed
    stack.run("destroy", renamed)
    assert data(cluster, namespace, "a") is None


def test_the_policy_of_a_namespace_is_imported_as_it_is(lab, cluster, namespace):
    path = f"/api/v1/namespaces/{namespace}"
    body = json.dumps({"metadata": {"labels": {"istio.io/dataplane-mode": "ambient"}}}).encode()
    cluster.transport.raw("PATCH", path, body=body, content_type="application/merge-patch+json")
    provider = Provider(configure({"kubeconfig": lab.kubeconfig, "context": API}, {}), Host())
    found = provider.read("mesh:index:Injection", "urn", (namespace, {}, {}))
    assert (found.inputs["mode"], found.inputs["namespaces"]) == ("ambient", [namespace])
    with pytest.raises(MeshError, match=f"Namespace {namespace}-x: there is no such namespace"):
        provider.read("mesh:index:Injection", "urn", (f"{namespace},{namespace}-x", {}, {}))


def test_what_is_not_there_cannot_be_imported(lab, namespace, stack):
    nothing = config_set(lab, API, namespace, TWO, opts=pulumi.ResourceOptions(import_=f"{namespace}/traffic"))
    with pytest.raises(automation.CommandError, match="does not exist"):
        stack.run("up", nothing)


def test_what_is_renamed_with_its_provider_stays(lab, cluster, namespace, stack):
    """As a cluster of mesh.yaml that gets another name. Another process deletes the old one: the mark in the cluster
    has changed hands."""

    def program(name):
        provider = mesh.Provider(name, kubeconfig=lab.kubeconfig, context=API)
        opts = pulumi.ResourceOptions(provider=provider)
        mesh.ConfigSet(f"{name}-traffic", opts=opts, name="traffic", namespace=namespace, objects=TWO)
        mesh.Injection(f"{name}-own", opts=opts, namespaces=[namespace], mode="ambient")

    def mode():
        return cluster.get("v1", "Namespace", "", namespace)["metadata"]["labels"].get("istio.io/dataplane-mode")

    stack.run("up", lambda: program("first"))
    renamed = stack.run("up", lambda: program("second"))
    assert renamed.of(KIND) == renamed.of("Injection") == {"create": 1, "delete": 1}
    assert "another resource has brought it about since" in renamed.text
    assert (data(cluster, namespace, "a"), mode()) == ({"level": "info"}, "ambient")
    assert not stack.run("up", lambda: program("second")).changed
    stack.run("destroy", lambda: program("second"))
    assert (data(cluster, namespace, "a"), mode()) == (None, None)
    assert "meshops" not in json.dumps(cluster.get("v1", "Namespace", "", namespace)["metadata"].get("annotations", {}))


def test_what_an_import_tells_is_written_down(lab, cluster, namespace):
    """`pulumi import` prints a program: with the objects of the set, or the next run would prune them all. (The command
    needs a language host; this is what it asks of the provider.)"""
    operation = OPERATIONS["config_set"]
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "dmFsdWU="}}
    spec = parse(operation.spec, {"name": "traffic", "namespace": namespace, "objects": [*TWO, secret]})
    run(operation, spec, cluster, RunOptions(), Mode(), lambda _line: None)

    provider = Provider(configure({"kubeconfig": lab.kubeconfig, "context": API}, {}), Host())
    urn = "urn:pulumi:test::test::mesh:index:ConfigSet::traffic"
    found = provider.read("mesh:index:ConfigSet", urn, (f"{namespace}/traffic", {}, {}))
    objects = found.inputs["objects"]
    assert [(obj["metadata"]["name"], obj["data"]) for obj in objects[:2]] == [
        (name, {"level": "info"}) for name in "ab"
    ]
    assert objects[2]["data"] == Secret({"key": "dmFsdWU="})
    checked, wrong = provider.check("mesh:index:ConfigSet", urn, found.inputs, found.inputs)
    assert not wrong
    assert not provider.diff("mesh:index:ConfigSet", urn, found.inputs, found.outputs, checked).some
    run(operation, spec, cluster, RunOptions(), Mode("absent"), lambda _line: None)


def test_what_was_imported_and_then_renamed_stays(lab, cluster, namespace, stack):
    operation = OPERATIONS["config_set"]
    spec = parse(operation.spec, {"name": "traffic", "namespace": namespace, "objects": TWO})
    run(operation, spec, cluster, RunOptions(), Mode(), lambda _line: None)
    imported = config_set(lab, API, namespace, TWO, opts=pulumi.ResourceOptions(import_=f"{namespace}/traffic"))
    stack.run("up", imported)
    renamed = config_set(lab, API, namespace, TWO, resource="renamed")
    assert stack.run("up", renamed).of(KIND) == {"create": 1, "delete": 1}
    assert data(cluster, namespace, "a") == {"level": "info"}
    stack.run("destroy", renamed)
    assert data(cluster, namespace, "a") is None


def test_a_renaming_that_failed_half_way_and_is_taken_back(lab, cluster, namespace, stack):
    """The new resource never came to be: its deletion leaves the old one's objects alone."""
    plain = config_set(lab, API, namespace, TWO)
    stack.run("up", plain)
    with pytest.raises(automation.CommandError, match=r"Deployment .*/never"):
        stack.run("up", config_set(lab, API, namespace, [*TWO, never()], resource="renamed", wait_timeout=2))
    back = stack.run("up", plain)
    assert back.of(KIND).get("delete") == 1
    assert data(cluster, namespace, "a") == {"level": "info"}
    assert cluster.get("apps/v1", "Deployment", namespace, "never") is None
    stack.run("destroy", plain)
    assert data(cluster, namespace, "a") is None


def test_namespaces_that_two_resources_name(lab, cluster, namespace, stack):
    """The later one has them; what is the earlier one's alone goes with that."""
    other = f"{namespace}-b"

    def program(first, second=()):
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
        on = pulumi.ResourceOptions(provider=provider)
        made = [mesh.Injection("one", opts=on, namespaces=first, mode="ambient")] if first else []
        if second:
            then = pulumi.ResourceOptions(provider=provider, depends_on=made)
            mesh.Injection("two", opts=then, namespaces=second, mode="ambient")

    def modes():
        found = [cluster.get("v1", "Namespace", "", name) for name in (namespace, other)]
        return [(obj or {"metadata": {}})["metadata"].get("labels", {}).get("istio.io/dataplane-mode") for obj in found]

    stack.run("up", lambda: program([namespace, other], [other]))
    assert modes() == ["ambient", "ambient"]
    stack.run("up", lambda: program([], [other]))
    assert modes() == [None, "ambient"]
    stack.run("destroy", lambda: program([], [other]))
    assert modes() == [None, None]
    marks = cluster.get("v1", "Namespace", "", namespace)["metadata"].get("annotations", {})
    assert "meshops" not in json.dumps(marks)


def test_a_diff_without_a_check_that_is_no_refresh(lab, namespace):
    """So the engine asks for dependents of what is deleted before it is replaced."""
    provider = Provider(configure({"kubeconfig": lab.kubeconfig, "context": API}, {}), Host())
    before = {"name": "traffic", "namespace": namespace, "objects": TWO}
    urn = "urn:pulumi:test::test::mesh:index:ConfigSet::traffic"
    found = provider.diff("mesh:index:ConfigSet", urn, before, before, {**before, "namespace": UNKNOWN})
    assert found.replaces == ("namespace",)
