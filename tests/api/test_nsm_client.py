# SPDX-License-Identifier: Apache-2.0
"""The annotation of network services on workloads that belong to others, on a real API server."""

from __future__ import annotations

import json

import pytest
from mesh.kube.cluster import connect
from mesh.model.errors import MeshError

from tests import network_services

KEY, OLD, RECORD = "networkservicemesh.io", "ns.networkservicemesh.io", "meshops.mesh/nsm-client"
URL = "kernel://intranet/nsm-1"


@pytest.fixture
def data(namespace):
    return {"name": "intranet", "namespace": namespace, "workloads": ["web"], "services": ["intranet"]}


@pytest.fixture
def helm(cluster, namespace):
    """Applies a workload as helm would; ``marks`` are the annotations of its pods."""

    def applied(marks=None, name="web", kind="Deployment", image="a", labels=None, **spec):
        template = {
            "metadata": {"labels": {"app": name}, "annotations": {"chart": "shop", **(marks or {})}},
            "spec": {"containers": [{"name": "main", "image": image}]},
        }
        more = {"serviceName": name} if kind == "StatefulSet" else {}
        body = {"selector": {"matchLabels": {"app": name}}, "template": template, **more, **spec}
        metadata = {"name": name, "namespace": namespace, "labels": labels or {"app": name}}
        return cluster.apply({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": body}, "helm")

    return applied


@pytest.fixture
def patch(cluster, namespace):
    """Changes annotations of the template as kubectl edit would."""

    def patched(**marks):
        body = {"spec": {"template": {"metadata": {"annotations": {KEY: marks.get("key"), **marks.get("more", {})}}}}}
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
        query = {"fieldManager": "kubectl-edit"}
        kind = "application/merge-patch+json"
        cluster.transport.raw("PATCH", path, body=json.dumps(body).encode(), query=query, content_type=kind)

    return patched


@pytest.fixture
def live(cluster, namespace):
    return lambda name="web", kind="Deployment": cluster.get("apps/v1", kind, namespace, name)


def asked(workload):
    """The annotation of its pods."""
    return workload["spec"]["template"]["metadata"]["annotations"].get(KEY)


def actions(report):
    return sorted((change.action, change.ref.name) for change in report.objects if change.action != "unchanged")


def test_declared_unchanged_changed_and_gone(api, data, helm, live, namespace):
    helm()
    told = api("nsm_client", data, check=True)
    assert api.writes == []
    report = api("nsm_client", data)
    assert actions(report) == actions(told) == [("update", "web")]
    assert report.warnings == told.warnings
    assert any("its pods are made anew, and wait until what they ask for answers" in text for text in told.warnings)
    assert [item.fields for item in report.objects] == [item.fields for item in told.objects]
    assert report.result == told.result == {"clients": {f"Deployment {namespace}/web": URL}}
    assert asked(live()) == URL
    assert KEY not in live()["metadata"]["annotations"]
    again = api("nsm_client", data)
    assert (again.changed, api.writes, again.warnings) == (False, [], [])
    # What helm says stays helm's, and its upgrade takes nothing away.
    helm(image="b")
    assert asked(live()) == URL
    assert not api("nsm_client", data).changed
    more = {**data, "services": ["kernel://other/nsm-2?app=web&zone=a", "intranet"]}
    assert actions(api("nsm_client", more)) == [("update", "web")]
    assert asked(live()) == f"{URL},kernel://other/nsm-2?app=web&zone=a"
    told = api("nsm_client", data, "absent", check=True)
    report = api("nsm_client", data, "absent")
    assert actions(report) == actions(told) == [("release", "web")]
    assert any("its pods are made anew, and no longer ask for it" in text for text in report.warnings)
    assert asked(live()) is None
    assert live()["spec"]["template"]["metadata"]["annotations"] == {"chart": "shop"}
    assert RECORD not in live()["metadata"].get("annotations", {})
    gone = api("nsm_client", data, "absent")
    assert (gone.changed, gone.warnings) == (False, [])


def test_drift_is_put_back(api, data, helm, live, patch):
    helm()
    api("nsm_client", data)
    patch(key=None)
    assert asked(live()) is None
    assert actions(api("nsm_client", data, check=True)) == [("update", "web")]
    api("nsm_client", data)
    assert asked(live()) == URL
    patch(key="memif://wrong/nsm-1")
    assert actions(api("nsm_client", data)) == [("update", "web")]
    assert asked(live()) == URL
    assert not api("nsm_client", data).changed
    # What somebody adds beside it is theirs, and stays when ours goes.
    patch(key=f"kernel://theirs/nsm-7,{URL}")
    generation = live()["metadata"]["generation"]
    api("nsm_client", data)
    assert (asked(live()), live()["metadata"]["generation"]) == (f"kernel://theirs/nsm-7,{URL}", generation)
    assert not api("nsm_client", data).changed
    api("nsm_client", data, "absent")
    assert asked(live()) == "kernel://theirs/nsm-7"
    assert not api("nsm_client", data, "absent").changed


def test_what_another_owner_has_is_merged_when_asked_for(api, data, helm, live):
    theirs = "kernel://theirs/nsm-1"
    helm({KEY: theirs})
    with pytest.raises(MeshError) as caught:
        api("nsm_client", data)
    assert (caught.value.code, api.writes) == ("foreign_owner", [])
    assert f"has annotation {KEY} already ({theirs}), kept by helm" in str(caught.value)
    assert f"{KEY}: {theirs},kernel://intranet/nsm-2" in str(caught.value)
    told = api("nsm_client", data, check=True, adopt=True)
    assert actions(api("nsm_client", data, adopt=True)) == actions(told) == [("update", "web")]
    assert asked(live()) == f"{theirs},kernel://intranet/nsm-2"
    assert not api("nsm_client", data).changed
    told = api("nsm_client", data, "absent", check=True)
    assert actions(api("nsm_client", data, "absent")) == actions(told) == [("release", "web")]
    assert asked(live()) == theirs
    assert not api("nsm_client", data, "absent").changed
    # Another declaration may come after it.
    api("nsm_client", {**data, "name": "second"}, adopt=True)
    assert asked(live()) == f"{theirs},kernel://intranet/nsm-2"


def test_what_is_there_already_is_nobodys_work(api, data, helm, live):
    helm({KEY: URL})
    report = api("nsm_client", data)
    assert (report.changed, api.writes) == (False, [])
    api("nsm_client", data, "absent")
    assert asked(live()) == URL


def test_the_annotation_of_2019_is_moved(api, data, helm, live):
    helm({OLD: "legacy/eth2?app=firewall&version=2,other"})
    with pytest.raises(MeshError, match=f"has annotation {OLD} already") as caught:
        api("nsm_client", data)
    assert (caught.value.code, api.writes) == ("foreign_owner", [])
    told = api("nsm_client", data, check=True, adopt=True)
    assert actions(api("nsm_client", data, adopt=True)) == actions(told) == [("adopt", "web")]
    moved = "kernel://legacy/eth2?app=firewall&version=2,kernel://other/nsm-1"
    assert live()["spec"]["template"]["metadata"]["annotations"] == {
        "chart": "shop",
        KEY: f"{moved},kernel://intranet/nsm-2",
    }
    assert not api("nsm_client", data).changed
    api("nsm_client", data, "absent")
    assert asked(live()) == moved


def test_the_annotation_of_2019_on_the_workload_itself(api, cluster, data, helm, live, namespace):
    found = helm()
    metadata = {"name": "web", "namespace": namespace, "annotations": {OLD: "legacy"}}
    cluster.apply({"apiVersion": "apps/v1", "kind": found["kind"], "metadata": metadata}, "them")
    told = api("nsm_client", data, check=True, adopt=True)
    assert actions(api("nsm_client", data, adopt=True)) == actions(told) == [("adopt", "web")]
    assert asked(live()) == "kernel://legacy/nsm-1,kernel://intranet/nsm-2"
    assert OLD not in live()["metadata"]["annotations"]
    assert not api("nsm_client", data).changed


def test_the_annotation_of_2019_that_says_the_same(api, data, helm, live):
    helm({OLD: "intranet"})
    api("nsm_client", data, adopt=True)
    assert asked(live()) == URL
    assert not api("nsm_client", data).changed
    api("nsm_client", data, "absent")
    assert asked(live()) == URL


def test_by_selector_over_kinds_and_who_leaves_it(api, cluster, data, helm, live, namespace):
    labels = {"tier": "front"}
    for name, kind in (("web", "Deployment"), ("db", "StatefulSet"), ("agent", "DaemonSet")):
        helm(name=name, kind=kind, labels=labels)
    chosen = {"name": "intranet", "namespace": namespace, "selector": labels, "services": ["intranet"]}
    report = api("nsm_client", chosen)
    assert actions(report) == [("update", "agent"), ("update", "db"), ("update", "web")]
    assert sorted(report.result["clients"]) == [
        f"DaemonSet {namespace}/agent",
        f"Deployment {namespace}/web",
        f"StatefulSet {namespace}/db",
    ]
    helm(name="db", kind="StatefulSet", labels={"tier": "back"})
    told = api("nsm_client", chosen, check=True)
    assert actions(api("nsm_client", chosen)) == actions(told) == [("release", "db")]
    assert asked(live("db", "StatefulSet")) is None
    assert not api("nsm_client", chosen).changed
    assert len(actions(api("nsm_client", chosen, "absent"))) == 2
    assert asked(live()) is asked(live("agent", "DaemonSet")) is None
    assert [obj["metadata"]["name"] for obj in cluster.list("v1", "ConfigMap", namespace)] == ["kube-root-ca.crt"]


def test_workloads_are_never_made(api, data, live):
    with pytest.raises(MeshError, match=r"web in namespace .*: there is no such workload") as caught:
        api("nsm_client", data)
    assert (caught.value.code, api.writes) == ("missing_dependency", [])
    told = api("nsm_client", data, check=True)
    assert not told.changed
    assert any("there is no such workload" in text for text in told.warnings)
    with pytest.raises(MeshError, match="selector: selects no workload"):
        api("nsm_client", {**data, "workloads": [], "selector": {"a": "b"}})
    assert live() is None


def test_names_that_two_workloads_have(api, data, helm, live):
    helm()
    helm(kind="StatefulSet")
    with pytest.raises(MeshError, match=r"web is the name of more than one workload \(Deployment, StatefulSet\)"):
        api("nsm_client", data)
    api("nsm_client", {**data, "workloads": ["StatefulSet/web"]})
    assert (asked(live()), asked(live("web", "StatefulSet"))) == (None, URL)


def test_two_declarations_of_one_workload(api, data, helm):
    helm()
    api("nsm_client", data)
    with pytest.raises(MeshError, match=r"gets annotation networkservicemesh\.io from another declaration") as caught:
        api("nsm_client", {**data, "name": "second", "services": ["other"]}, adopt=True)
    assert (caught.value.code, api.writes) == ("foreign_owner", [])


def test_an_interface_that_is_taken(api, data, helm):
    helm({KEY: "kernel://theirs/net0"})
    with pytest.raises(MeshError, match="wants the interface net0, which kernel://theirs/net0 has there already"):
        api("nsm_client", {**data, "services": ["kernel://intranet/net0"]}, adopt=True)
    assert api.writes == []


def test_places_that_count_besides_are_told(api, cluster, data, helm, namespace):
    marks = {"annotations": {KEY: "kernel://default/nsm-1"}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, **marks}}, "them")
    found = helm()
    metadata = {"name": "web", "namespace": namespace, **marks}
    cluster.apply({"apiVersion": "apps/v1", "kind": found["kind"], "metadata": metadata}, "them")
    warnings = api("nsm_client", data, check=True).warnings
    assert any("on itself, too" in text for text in warnings)
    assert any(
        "no longer ask for what the namespace asks for by default (kernel://default/nsm-1)" in t for t in warnings
    )


def test_pods_that_stay(api, data, helm):
    helm(paused=True)
    assert any("anew once it is resumed" in text for text in api("nsm_client", data, check=True).warnings)
    helm(name="agent", kind="DaemonSet", updateStrategy={"type": "OnDelete"})
    told = api("nsm_client", {**data, "workloads": ["agent"]}, check=True)
    assert any("stay until somebody deletes them" in text for text in told.warnings)


def test_a_client_that_says_it_is_a_hop(api, data, helm, namespace):
    cluster = connect(api.connection, "api")
    with network_services.kinds(cluster):
        name = f"net-{namespace}"
        api("network_service", {"name": name, "namespace": namespace, "chain": ["firewall", "vpn-gateway"]})
        helm()
        told = api("nsm_client", {**data, "services": [f"kernel://{name}?app=firewall"]}, check=True)
        assert any("is taken for the hop app=firewall of the service" in text for text in told.warnings)
        told = api("nsm_client", {**data, "services": [f"kernel://{name}?app=web"]}, check=True)
        assert not any("is taken for" in text for text in told.warnings)
    cluster.close()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"services": []}, "services: is required"),
        ({"workloads": []}, "workloads: is required (or say a selector)"),
        ({"workloads": ["Pod/web"]}, "workloads: must hold names, alone or after one of Deployment, StatefulSet"),
        ({"services": ["kernel://intranet/interface-too-long"]}, "has an interface of 18 characters"),
    ],
)
def test_bad_input_is_named(api, data, helm, wrong, text):
    helm()
    with pytest.raises(MeshError) as caught:
        api("nsm_client", {**data, **wrong})
    assert (caught.value.code, text in str(caught.value), api.writes) == ("invalid_option", True, []), caught.value


def test_roles_that_allow_it(api, data, helm, namespace):
    helm()
    found = api("rbac", {"declarations": [{"nsm_client": data}]}).result["objects"]
    rules = [rule for obj in found for rule in obj.get("rules", ()) if "apps" in rule["apiGroups"]]
    assert {
        obj["metadata"].get("namespace") for obj in found if any(rule in rules for rule in obj.get("rules", ()))
    } == {namespace}
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "patch", "watch"}
