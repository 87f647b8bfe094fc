# SPDX-License-Identifier: Apache-2.0
"""A set of objects through its life: made, kept, changed, pruned, interrupted, forgotten, removed."""

from __future__ import annotations

import threading

import pytest
from mesh.kube.cluster import Cluster
from mesh.kube.transport import Transport
from mesh.model.errors import MeshError
from mesh.model.sets import applyset_id
from mesh.plan.compare import owned_fields

from .conftest import config_map

PART_OF = "applyset.kubernetes.io/part-of"


def declared(namespace, *objects):
    return {"name": namespace, "namespace": namespace, "objects": list(objects)}


def found(cluster, namespace, name):
    return cluster.get("v1", "ConfigMap", namespace, name)


def actions(report):
    return {(change.ref.name, change.action) for change in report.objects if change.action != "unchanged"}


def test_created_then_kept_without_a_write(api, cluster, namespace):
    wanted = declared(namespace, config_map("one", a="1"), config_map("two", a="1"))
    assert actions(api("config_set", wanted)) == {("one", "create"), ("two", "create")}
    assert found(cluster, namespace, "one")["metadata"]["labels"][PART_OF] == applyset_id(
        f"config-{namespace}", namespace
    )
    report = api("config_set", wanted)
    assert not report.changed
    assert report.as_dict()["unchanged"] == 2
    assert api.writes == []


def test_a_change_names_its_fields_and_touches_nothing_else(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("one", a="1", b="1"), config_map("two", a="1")))
    report = api("config_set", declared(namespace, config_map("one", a="2"), config_map("two", a="1")))
    assert [change.as_dict()["fields"] for change in report.objects if change.action == "update"] == [
        ["data.a", "data.b"]
    ]
    assert found(cluster, namespace, "one")["data"] == {"a": "2"}
    assert [write.rpartition("/")[2] for write in api.writes if "leases" not in write] == [
        f"meshops-config-{namespace}",
        "one",
    ]


def test_what_leaves_the_declaration_is_pruned(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("one", a="1"), config_map("two", a="1")))
    assert actions(api("config_set", declared(namespace, config_map("one", a="1")))) == {("two", "delete")}
    assert found(cluster, namespace, "two") is None


def test_drift_is_put_back(api, cluster, namespace):
    wanted = declared(namespace, config_map("one", a="1"))
    api("config_set", wanted)
    cluster.apply(
        {**config_map("one", a="9", foreign="x"), "metadata": {"name": "one", "namespace": namespace}}, "me", force=True
    )
    assert actions(api("config_set", wanted, check=True)) == {("one", "update")}
    assert api.writes == []
    api("config_set", wanted)
    assert found(cluster, namespace, "one")["data"] == {"a": "1", "foreign": "x"}, "fields of others stay"


def test_check_mode_tells_what_the_run_does(api, namespace):
    steps = [[config_map("one", a="1"), config_map("two", a="1")], [config_map("one", a="2")], []]
    for objects in steps:
        told = api("config_set", declared(namespace, *objects), check=True)
        assert api.writes == []
        done = api("config_set", declared(namespace, *objects))
        assert told.changed == done.changed is True
        assert [change.as_dict() for change in told.objects] == [change.as_dict() for change in done.objects]


@pytest.mark.parametrize(
    ("marks", "owner", "adoptable"),
    [
        ({"annotations": {"meta.helm.sh/release-name": "shop"}}, "Helm release (shop)", True),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "app:x"}}, "Argo CD (app:x)", False),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux (apps)", False),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "apps"}}, "Flux (apps)", False),
        ({"manager": "kustomize-controller"}, "Flux (kustomize-controller)", False),
        ({"labels": {"argocd.argoproj.io/instance": "apps"}}, "Argo CD (apps)", False),
        ({"manager": "argocd-controller"}, "Argo CD (argocd-controller)", False),
        ({"labels": {"kapp.k14s.io/app": "17"}}, "kapp (17)", False),
        ({"labels": {"olm.owner": "csv"}}, "OLM (csv)", False),
        ({"labels": {"olm.managed": "true"}}, "OLM (true)", False),
        ({"labels": {"managed-by": "sail-operator"}}, "Sail operator (sail-operator)", False),
        ({"annotations": {"operator-sdk/primary-resource": "ns/name"}}, "Sail operator (ns/name)", False),
        (
            {"labels": {"istio.io/owned-by": "mesh.googleapis.com"}},
            "Google Cloud Service Mesh (mesh.googleapis.com)",
            False,
        ),
        ({"labels": {"kubernetes.azure.com/managedby": "aks"}}, "AKS (aks)", False),
        ({"labels": {"addonmanager.kubernetes.io/mode": "EnsureExists"}}, "add-on manager (EnsureExists)", False),
        ({"labels": {PART_OF: "applyset-other-v1"}}, "another ApplySet (applyset-other-v1)", False),
        ({"manager": "pulumi-kubernetes-1a2b3c"}, "Pulumi (pulumi-kubernetes-1a2b3c)", True),
        ({"manager": "kubectl"}, "kubectl (kubectl)", True),
        ({"manager": "kubectl-client-side-apply"}, "kubectl (kubectl-client-side-apply)", True),
        ({"manager": "istio-operator"}, "istioctl (istio-operator)", True),
        ({}, "somebody else", True),
    ],
)
def test_objects_of_others_are_named_and_refused(api, cluster, namespace, marks, owner, adoptable):
    theirs, marks = config_map("one", a="theirs"), dict(marks)
    manager = marks.pop("manager", "them")
    cluster.apply({**theirs, "metadata": {"name": "one", "namespace": namespace, **marks}}, manager)
    with pytest.raises(MeshError) as caught:
        api("config_set", declared(namespace, config_map("one", a="ours")))
    assert caught.value.code == "foreign_owner"
    assert caught.value.msg == f"belongs to {owner}"
    assert api.writes == []
    if adoptable:
        api("config_set", declared(namespace, config_map("one", a="ours")), adopt=True)
        taken = found(cluster, namespace, "one")
        assert taken["data"] == {"a": "ours"}
        assert PART_OF in taken["metadata"]["labels"]
        assert not api("config_set", declared(namespace, config_map("one", a="ours"))).changed
        assert api.writes == []
    else:
        with pytest.raises(MeshError) as caught:
            api("config_set", declared(namespace, config_map("one", a="ours")), adopt=True)
        assert caught.value.code == "foreign_owner"
        assert api.writes == []


def test_released_forgets_and_keeps(api, cluster, namespace):
    wanted = declared(namespace, config_map("one", a="1"))
    api("config_set", wanted)
    api("config_set", wanted, "released")
    left = found(cluster, namespace, "one")
    assert left["data"] == {"a": "1"}
    assert PART_OF not in left["metadata"].get("labels", {})
    assert owned_fields(left, f"meshops/config_set/{namespace}/{namespace}") is None
    assert found(cluster, namespace, f"meshops-config-{namespace}") is None


def test_what_was_released_is_taken_back_only_by_adoption(api, cluster, namespace):
    wanted = declared(namespace, config_map("one", a="1"))
    api("config_set", wanted)
    api("config_set", wanted, "released")
    assert not api("config_set", wanted, "released").changed
    assert api.writes == []
    with pytest.raises(MeshError) as caught:
        api("config_set", wanted)
    assert (caught.value.code, caught.value.msg) == ("foreign_owner", "belongs to somebody else")
    assert api.writes == []
    api("config_set", wanted, adopt=True)
    assert PART_OF in found(cluster, namespace, "one")["metadata"]["labels"]
    assert not api("config_set", wanted).changed


def test_absent_removes_all_and_then_has_nothing_to_do(api, cluster, namespace):
    api("config_set", declared(namespace, config_map("one", a="1")))
    assert api("config_set", declared(namespace), "absent").changed
    assert found(cluster, namespace, "one") is None
    assert found(cluster, namespace, f"meshops-config-{namespace}") is None
    assert not api("config_set", declared(namespace), "absent").changed
    assert api.writes == []


@pytest.fixture
def killed(monkeypatch):
    """Runs a call whose process dies at its Nth write: that one and all after it raise."""
    real = {name: getattr(Cluster, name) for name in ("create", "apply", "delete", "merge_patch")}
    lock = threading.Lock()

    def run(after, call):
        left = [after]

        def dying(name):
            def write(self, *arguments, **options):
                if not options.get("dry_run") and type(self.transport) is Transport:  # not an imagined server
                    with lock:
                        left[0] -= 1
                        dead = left[0] < 0
                    if dead:
                        raise MeshError("cancelled", "killed here")
                return real[name](self, *arguments, **options)

            return write

        with monkeypatch.context() as patch:
            for name in real:
                patch.setattr(Cluster, name, dying(name))
            call()

    return run


def stops(killed, call):
    """Lets the call die at its first write, its second, ...; ends when it lives to its end. Yields the error."""
    for after in range(100):
        try:
            killed(after, call)
        except MeshError as error:
            if not error.msg.startswith("killed here"):
                raise
            yield error
        else:
            assert after, "nothing was written at all"
            return


def test_stopped_at_any_write_the_next_run_converges(api, cluster, namespace, killed):
    """Every write once: the run dies there, the next one converges, and a third has nothing to do."""
    first = declared(namespace, *(config_map(f"m{i}", a="1") for i in range(4)))
    second = declared(namespace, *(config_map(f"m{i}", a="2") for i in range(2, 6)))
    api("config_set", first)
    deaths = 0
    for _ in stops(killed, lambda: api("config_set", second)):
        deaths += 1
        api("config_set", second)
        names = [o["metadata"]["name"] for o in cluster.list("v1", "ConfigMap", namespace, PART_OF)]
        assert sorted(names) == ["m2", "m3", "m4", "m5"]
        assert not api("config_set", second).changed
        assert api.writes == []
        api("config_set", first)
    assert deaths == 8, "lock, inventory, 2 updates, 2 creations, 2 deletions"


def test_stopped_while_it_is_made_or_removed(api, cluster, namespace, killed):
    """From nothing, with a definition and its object; and back to nothing."""
    group = f"{namespace}.example.com"
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}}
    wanted = declared(namespace, config_map("one", a="1"), definition(group), widget)

    def nothing_is_left():
        cluster.forget_kinds()
        assert found(cluster, namespace, "one") is None
        assert cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"widgets.{group}") is None
        assert found(cluster, namespace, f"meshops-config-{namespace}") is None

    for _ in stops(killed, lambda: api("config_set", wanted)):
        assert api("config_set", wanted).changed
        assert not api("config_set", wanted).changed
        assert api.writes == []
        api("config_set", wanted, "absent")
        nothing_is_left()
    for _ in stops(killed, lambda: api("config_set", wanted, "absent")):
        api("config_set", wanted, "absent")
        nothing_is_left()
        assert not api("config_set", wanted, "absent").changed
        assert api.writes == []
        api("config_set", wanted)
    nothing_is_left()


@pytest.mark.parametrize("after", range(3))
def test_stopped_around_a_namespace_that_the_set_makes(api, cluster, namespace, killed, after):
    """Dead before the namespace, before the inventory in it, and before the object."""
    made = f"{namespace}-made"
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made}}
    wanted = declared(made, own, config_map("inside", a="1"))
    with pytest.raises(MeshError, match="killed here"):
        killed(after, lambda: api("config_set", wanted))
    assert api("config_set", wanted).changed
    assert found(cluster, made, "inside")["data"] == {"a": "1"}
    assert not api("config_set", wanted).changed
    assert api.writes == []
    cluster.transport.raw("DELETE", f"/api/v1/namespaces/{made}")


def test_a_run_that_failed_says_what_it_did_and_what_is_left(api, cluster, namespace):
    spec = {"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}  # it selects nothing
    bad = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bad"}, "spec": spec}
    with pytest.raises(MeshError) as caught:
        api("config_set", declared(namespace, config_map("one", a="1"), bad))
    assert caught.value.code == "invalid_object"
    assert caught.value.where == f"api: Deployment {namespace}/bad"
    assert caught.value.applied == [f"ConfigMap {namespace}/one"]
    assert caught.value.pending == [f"Deployment {namespace}/bad"]
    assert found(cluster, namespace, "one") is not None
    mended = declared(namespace, config_map("one", a="1"))
    assert not api("config_set", mended).changed


def definition(group, plural="widgets"):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Widget", "plural": plural, "singular": "widget", "listKind": "WidgetList"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                }
            ],
        },
    }


def test_a_definition_and_its_objects_in_one_set(api, cluster, namespace):
    group = f"{namespace}.example.com"
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}
    wanted = declared(namespace, widget, definition(group))
    api("config_set", wanted)
    assert not api("config_set", wanted).changed
    cluster.forget_kinds()
    foreign = {**widget, "metadata": {"name": "foreign", "namespace": namespace}}
    cluster.apply(foreign, "them")
    kept = api("config_set", declared(namespace), "absent")
    assert [c.as_dict()["reason"] for c in kept.objects if c.action == "keep"] == [
        "it holds 1 Widget; purge removes them"
    ]
    assert cluster.get(f"{group}/v1", "Widget", namespace, "foreign") is not None
    api("config_set", declared(namespace), "absent", purge=True)
    assert cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"widgets.{group}") is None


@pytest.mark.parametrize(
    ("objects", "code", "message"),
    [
        ([{"kind": "ConfigMap"}], "invalid_object", "api: objects, document 1: has no apiVersion"),
        (
            [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}],
            "invalid_object",
            "api: objects, document 1: has no metadata.name",
        ),
        (
            [{"apiVersion": "nowhere.io/v1", "kind": "Thing", "metadata": {"name": "x"}}],
            "missing_dependency",
            "api: Thing x: the cluster does not serve nowhere.io/v1 Thing "
            "(install the CRD first, or correct apiVersion and kind)",
        ),
        (
            [
                {
                    "apiVersion": "rbac.authorization.k8s.io/v1",
                    "kind": "ClusterRole",
                    "metadata": {"name": "x", "namespace": "y"},
                }
            ],
            "invalid_object",
            "api: ClusterRole y/x: is cluster-scoped and takes no namespace",
        ),
    ],
)
def test_objects_that_cannot_be(api, namespace, objects, code, message):
    with pytest.raises(MeshError) as caught:
        api("config_set", declared(namespace, *objects))
    assert (caught.value.code, str(caught.value)) == (code, message)
    assert api.writes == []


def test_a_kind_that_an_earlier_step_may_bring_is_planned_with_a_warning(api, namespace):
    thing = {"apiVersion": "nowhere.io/v1", "kind": "Thing", "metadata": {"name": "x"}}
    report = api("config_set", declared(namespace, config_map("one"), thing), check=True)
    assert actions(report) == {("one", "create"), ("x", "create")}
    assert report.warnings == [
        "Thing x: the cluster does not serve nowhere.io/v1 Thing "
        "(install the CRD first, or correct apiVersion and kind), unless an earlier step does so"
    ]
    assert api.writes == []


def test_an_object_declared_twice(api, namespace):
    with pytest.raises(MeshError) as caught:
        api("config_set", declared(namespace, config_map("one"), config_map("one")))
    assert "is declared twice" in str(caught.value)
    assert api.writes == []


def test_an_unknown_field_is_refused_by_name(api, namespace):
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"prots": [], "ports": [{"port": 1}]},
    }
    with pytest.raises(MeshError) as caught:
        api("config_set", declared(namespace, service), validate="server")
    assert ".spec.prots: field not declared in schema" in caught.value.msg
    assert api.writes == []


def test_namespaces_made_by_the_set_go_when_they_are_empty(api, cluster, namespace):
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{namespace}-made"}}
    inside = {**config_map("x", a="1"), "metadata": {"name": "x", "namespace": f"{namespace}-made"}}
    wanted = declared(namespace, made, inside)
    api("config_set", wanted)
    assert not api("config_set", wanted).changed
    cluster.apply({**inside, "metadata": {"name": "foreign", "namespace": f"{namespace}-made"}}, "them")
    report = api("config_set", wanted, "absent")
    assert "it holds 1 ConfigMap" in " ".join(report.warnings)
    assert found(cluster, f"{namespace}-made", "foreign") is not None
    cluster.transport.raw("DELETE", f"/api/v1/namespaces/{namespace}-made")
