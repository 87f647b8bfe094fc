# SPDX-License-Identifier: Apache-2.0
"""Taking over what Helm, istioctl and kubectl installed, and giving it back: with the real programs."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from mesh.apply.engine import run
from mesh.kube.cluster import connect
from mesh.model.errors import MeshError
from mesh.model.objects import annotations_of, labels_of, ref
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from mesh.plan.difference import differences
from mesh.plan.owners import PART_OF

from .conftest import API, config_map
from .injectors import injector, installed
from .installers import HELM, Tools, chart
from .policies import until
from .test_config_set import declared, killed, stops  # noqa: F401 - killed is a fixture

WEBHOOKS = "admissionregistration.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io/v1"
CRD = "apiextensions.k8s.io/v1"
CLUSTER_WIDE = (
    (WEBHOOKS, "ValidatingWebhookConfiguration"),
    (WEBHOOKS, "MutatingWebhookConfiguration"),
    (RBAC, "ClusterRoleBinding"),
    (RBAC, "ClusterRole"),
    (CRD, "CustomResourceDefinition"),
)
#: Who else owns something of what is adopted.
CONTROLLERS = {"kube-apiserver", "kube-controller-manager", "pilot-discovery"}
HELM_MARKS = {"meta.helm.sh/release-name", "meta.helm.sh/release-namespace"}


@pytest.fixture(scope="session")
def tools(lab):
    return Tools(lab, API)


def _of_istio(cluster):
    cluster.forget_kinds()
    for version, kind in CLUSTER_WIDE:
        for obj in cluster.list(version, kind):
            if "istio" in obj["metadata"]["name"]:
                yield obj


@pytest.fixture
def plane(api, lab, cluster, namespace):
    """Declares a control plane in the test's namespace, as the tools install it. Nothing of it is left afterwards."""

    def declare(state="present", check=False, adopt=False, helm_release="keep", **data):
        options = {"adopt": adopt, "helm_release": helm_release}
        wanted = {"charts": {"path": lab.charts}, "namespace": namespace, **data}
        return api("control_plane", wanted, state, check, **options)

    yield declare
    for obj in _of_istio(cluster):
        with contextlib.suppress(MeshError):
            resource = cluster.resource_of(obj)
            cluster.transport.raw("DELETE", resource.path("", obj["metadata"]["name"]))
    deadline = time.monotonic() + 30
    while list(_of_istio(cluster)) and time.monotonic() < deadline:
        time.sleep(0.2)


def live(cluster, report):
    """What is there of everything in a report."""
    cluster.forget_kinds()
    found = {}
    for change in report.objects:
        resource = cluster.kinds.find(change.ref.group, change.ref.kind)
        found[change.ref] = cluster.get_at(resource, change.ref.namespace, change.ref.name)
    return found


def managers(obj):
    """Who owns something, and of whom that is more than Helm's own marks."""
    found = set()
    for entry in obj["metadata"].get("managedFields") or ():
        annotations = entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:annotations", {})
        if set(entry["fieldsV1"]) != {"f:metadata"} or {key[2:] for key in annotations} - HELM_MARKS or not annotations:
            found.add(entry["manager"])
    return found


def by_action(report):
    return {change.ref: change for change in report.objects if change.action != "unchanged"}


@pytest.mark.parametrize("tool", ["helm4", "helm3", "istioctl", "kubectl"])
def test_a_control_plane_is_taken_over_and_given_back(api, plane, cluster, namespace, tools, tool):
    key = "serviceAnnotations" if tool in HELM else "pilot.serviceAnnotations"
    tools.install(tool, namespace, **{f"{key}.only-there": "x"})
    webhook = f"istio-sidecar-injector-{namespace}"
    written_by_controllers(cluster, namespace, webhook)

    told = plane(check=True, adopt=True)
    assert api.writes == []
    before = live(cluster, told)
    done = plane(adopt=True)
    after = live(cluster, done)
    assert [change.as_dict() for change in told.objects] == [change.as_dict() for change in done.objects]
    adopted = {key: change for key, change in by_action(told).items() if change.action == "adopt"}
    assert len(adopted) >= 33
    assert {change.action for change in by_action(told).values()} <= {"adopt", "create"}
    for key, change in adopted.items():
        assert change.fields == differences(before[key], after[key]), key
        assert before[key]["metadata"]["uid"] == after[key]["metadata"]["uid"], key
        assert before[key].get("spec") == after[key].get("spec"), key
        # kubectl's copy of a Deployment goes, and annotations count in its generation.
        if not any(field.path.startswith("metadata.annotations") for field in change.fields):
            assert before[key]["metadata"].get("generation") == after[key]["metadata"].get("generation"), key
        others = {manager for manager in managers(after[key]) if not manager.startswith("meshops/")}
        assert others <= CONTROLLERS, key
    services = [key for key in adopted if key.kind == "Service"]
    assert ["only-there" in annotations_of(state[key]) for key in services for state in (before, after)] == [
        True,
        False,
    ]
    assert cluster.get("apps/v1", "Deployment", namespace, "istiod")["spec"]["replicas"] == 3
    signed = cluster.get(WEBHOOKS, "MutatingWebhookConfiguration", "", webhook)["webhooks"]
    assert {item["clientConfig"]["caBundle"] for item in signed} == {"Q0E="}
    assert not plane(adopt=True).changed
    assert api.writes == []
    assert not plane().changed
    assert api.writes == []

    released = plane("released")
    for key, obj in live(cluster, released).items():
        assert PART_OF not in labels_of(obj), key
        assert not any(mark.startswith("meshops.mesh/") for mark in {**labels_of(obj), **annotations_of(obj)}), key
        assert not any(manager.startswith("meshops/") for manager in managers(obj)), key
    assert not plane("released").changed
    tools.install(tool, namespace)
    first = live(cluster, released)
    tools.install(tool, namespace)
    second = live(cluster, released)
    for key, obj in first.items():
        assert key not in adopted or labels_of(obj)["app.kubernetes.io/managed-by"] == "Helm", key
        assert differences(obj, second[key]) == (), key


def written_by_controllers(cluster, namespace, webhook):
    """istiod signs its webhook, an autoscaler scales istiod, and Deployments have a controller."""
    found = cluster.get(WEBHOOKS, "MutatingWebhookConfiguration", "", webhook)
    for item in found["webhooks"]:
        item["clientConfig"]["caBundle"] = "Q0E="
    cluster.transport.request(
        "PUT",
        f"/apis/{WEBHOOKS}/mutatingwebhookconfigurations/{webhook}",
        query={"fieldManager": "pilot-discovery"},
        body=json.dumps(found).encode(),
    )
    cluster.transport.request(
        "PATCH",
        f"/apis/apps/v1/namespaces/{namespace}/deployments/istiod/scale",
        query={"fieldManager": "kube-controller-manager"},
        body=json.dumps({"spec": {"replicas": 3}}).encode(),
        content_type="application/merge-patch+json",
    )
    until(lambda: written_by_its_controller(cluster.get("apps/v1", "Deployment", namespace, "istiod")))


def written_by_its_controller(deployment):
    """The controller's annotation comes some time after the Deployment."""
    seen = deployment.get("status", {}).get("observedGeneration") == deployment["metadata"]["generation"]
    return seen and "deployment.kubernetes.io/revision" in annotations_of(deployment)


@pytest.mark.parametrize("arguments", [(), ("--server-side",), ("--server-side", "--field-manager=helm")])
def test_what_is_no_longer_wanted_goes_out_of_lists_too(api, cluster, namespace, tools, arguments):
    container = {"name": "app", "image": "example.invalid/app", "env": [{"name": "KEPT", "value": "1"}]}
    more = {**container, "env": [*container["env"], {"name": "OLD", "value": "1"}], "args": ["old"]}
    objects = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "app", "namespace": namespace},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "app"}},
                "template": {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [item]}},
            },
        }
        for item in (more, container)
    ]
    tools.run("kubectl", "apply", *arguments, "--filename", "-", text=json.dumps(objects[0]))
    tools.run("kubectl", "label", "deployment", "app", "--namespace", namespace, "by-hand=x")
    before = cluster.get("apps/v1", "Deployment", namespace, "app")
    report = api("config_set", declared(namespace, objects[1]), adopt=True)
    after = cluster.get("apps/v1", "Deployment", namespace, "app")
    place = "spec.template.spec.containers[app]"
    assert {f"{place}.args", f"{place}.env[OLD]"} <= {field.path for field in report.objects[0].fields}
    # The Deployment controller numbers what it rolls out, at its own time.
    differing = [field for field in differences(before, after) if "deployment.kubernetes.io" not in field.path]
    assert list(report.objects[0].fields) == differing
    assert [item["name"] for item in after["spec"]["template"]["spec"]["containers"][0]["env"]] == ["KEPT"]
    assert labels_of(after)["by-hand"] == "x"
    assert not api("config_set", declared(namespace, objects[1]), adopt=True).changed


@pytest.fixture(params=sorted(HELM))
def release(request, tools, namespace, tmp_path):
    """A release of two objects by either Helm; made anew, or upgraded, by a call with the objects."""

    def make(*objects, take_ownership=False):
        path = chart(tmp_path, "shop", *objects)
        asked = ["--take-ownership"] if take_ownership else []
        tools.run(HELM[request.param], "upgrade", "--install", "shop", str(path), "--namespace", namespace, *asked)

    make.program = HELM[request.param]
    make(config_map("one", a="1"), config_map("two", a="1"))
    make(config_map("one", a="1"), config_map("two", a="1"))
    return make


def marked(cluster, namespace, name):
    return HELM_MARKS & annotations_of(cluster.get("v1", "ConfigMap", namespace, name)).keys()


BOTH = (config_map("one", a="1"), config_map("two", a="1"))


def test_a_release_that_is_kept(api, cluster, namespace, release, tools):
    report = api("config_set", declared(namespace, *BOTH), adopt=True)
    assert report.counts() == {"adopt": 2}
    assert report.warnings == []
    assert marked(cluster, namespace, "one") == HELM_MARKS
    assert tools.releases(release.program, namespace) == {"shop": "deployed"}
    api("config_set", declared(namespace, *BOTH), "released")
    release(config_map("one", a="2"), config_map("two", a="1"))
    assert cluster.get("v1", "ConfigMap", namespace, "one")["data"] == {"a": "2"}


@pytest.mark.parametrize("program", sorted(HELM.values()))
def test_a_release_that_is_recorded_as_ended(api, cluster, namespace, release, tools, program):
    report = api("config_set", declared(namespace, *BOTH), adopt=True, helm_release="record")
    assert report.counts() == {"adopt": 2, "release": 1}
    assert not api("config_set", declared(namespace, *BOTH), adopt=True, helm_release="record").changed
    assert api.writes == []
    assert marked(cluster, namespace, "one") == set()
    # Helm v3 lists such releases only when asked for them.
    assert tools.releases(program, namespace) == ({"shop": "uninstalled"} if program == "helm" else {})
    history = tools.run(program, "history", "shop", "--namespace", namespace)
    assert "Taken over by meshops.mesh; its objects stay" in history
    refused = tools.run(program, "upgrade", "shop", "--namespace", namespace, f"{tools.lab.charts}/base", fails=True)
    assert 'UPGRADE FAILED: "shop" has no deployed releases' in refused
    api("config_set", declared(namespace, *BOTH), "released")
    tools.run(program, "rollback", "shop", "2", "--namespace", namespace)
    assert tools.releases(program, namespace) == {"shop": "deployed"}
    release(config_map("one", a="2"), config_map("two", a="1"))
    assert cluster.get("v1", "ConfigMap", namespace, "one")["data"] == {"a": "2"}


def test_a_release_that_is_removed(api, cluster, namespace, release, tools):
    report = api("config_set", declared(namespace, *BOTH), adopt=True, helm_release="remove")
    assert report.counts() == {"adopt": 2, "delete": 2}
    assert not api("config_set", declared(namespace, *BOTH), adopt=True, helm_release="remove").changed
    assert api.writes == []
    assert marked(cluster, namespace, "one") == set()
    assert tools.releases(release.program, namespace) == {}
    assert cluster.list("v1", "Secret", namespace, "owner=helm") == []
    api("config_set", declared(namespace, *BOTH), "released")
    with pytest.raises(AssertionError, match="cannot be imported into the current release"):
        release(*BOTH)
    release(*BOTH, take_ownership=True)
    release(config_map("one", a="2"), config_map("two", a="1"))
    assert cluster.get("v1", "ConfigMap", namespace, "one")["data"] == {"a": "2"}


def test_a_kept_release_can_end_later(api, cluster, namespace, release, tools):
    wanted = declared(namespace, *BOTH)
    api("config_set", wanted, adopt=True)
    assert not api("config_set", wanted, helm_release="remove").changed, "only read with adopt"
    report = api("config_set", wanted, adopt=True, helm_release="remove")
    assert report.counts() == {"adopt": 2, "delete": 2}
    assert marked(cluster, namespace, "one") == set()
    assert not api("config_set", wanted, adopt=True, helm_release="remove").changed


@pytest.mark.parametrize("wish", ["keep", "record", "remove"])
def test_a_release_that_holds_more_than_is_declared_stays(api, cluster, namespace, release, tools, wish):
    part = declared(namespace, config_map("one", a="1"))
    text = f"Helm release {namespace}/shop holds what is not declared here: ConfigMap {namespace}/two"
    stays = "" if wish == "keep" else ", and stays as it is until they are adopted or deleted"
    for check in (True, False):
        report = api("config_set", part, check=check, adopt=True, helm_release=wish)
        assert report.counts() == {"adopt": 1}
        assert report.warnings == [text + stays]
    assert tools.releases(release.program, namespace) == {"shop": "deployed"}
    assert cluster.get("v1", "ConfigMap", namespace, "two")["data"] == {"a": "1"}
    report = api("config_set", declared(namespace, *BOTH), adopt=True, helm_release=wish)
    assert report.warnings == []
    assert report.counts()["adopt"] == 1
    gone = {"keep": {"shop": "deployed"}, "record": {"shop": "uninstalled"}, "remove": {}}[wish]
    assert tools.releases("helm", namespace) == gone


@pytest.mark.parametrize("wish", ["keep", "record", "remove"])
def test_stopped_at_any_write_the_next_adoption_converges(api, cluster, namespace, tmp_path, tools, killed, wish):  # noqa: F811
    wanted = declared(namespace, config_map("one", a="1"), config_map("two", a="2"))
    theirs = (config_map("one", a="1", old="x"), config_map("two", a="1"))
    deaths = 0

    def adopt():
        return api("config_set", wanted, adopt=True, helm_release=wish)

    def install():
        path = chart(tmp_path, "shop", *theirs)
        tools.run("helm", "upgrade", "--install", "shop", str(path), "--namespace", namespace)

    install()
    for _ in stops(killed, adopt):
        deaths += 1
        adopt()
        objects = {o["metadata"]["name"]: o["data"] for o in cluster.list("v1", "ConfigMap", namespace, PART_OF)}
        assert objects == {"one": {"a": "1"}, "two": {"a": "2"}}
        ended = {"keep": {"shop": "deployed"}, "record": {"shop": "uninstalled"}, "remove": {}}[wish]
        assert tools.releases("helm", namespace) == ended
        assert not adopt().changed
        assert api.writes == []
        api("config_set", wanted, "absent")
        tools.run("helm", "uninstall", "shop", "--namespace", namespace, fails=True)
        install()
    assert deaths >= 4, "two writes for each object"


def test_an_object_that_changes_between_plan_and_handover_is_read_again(api, cluster, namespace, release):
    """A controller that writes all the time must not stop an adoption."""

    def meddle(line):
        if "adopt" in line and "ConfigMap" not in line:
            obj = {**config_map("one", theirs="x"), "metadata": {"name": "one", "namespace": namespace}}
            cluster.apply(obj, "a-controller")

    operation = OPERATIONS["config_set"]
    connection = connect(api.connection, "api")
    options = parse(RunOptions, {"adopt": True, "wait": False})
    try:
        run(operation, parse(operation.spec, declared(namespace, *BOTH)), connection, options, Mode(), meddle)
    finally:
        connection.close()
    one = cluster.get("v1", "ConfigMap", namespace, "one")
    assert one["data"] == {"a": "1", "theirs": "x"}
    assert {manager for manager in managers(one) if not manager.startswith("meshops/")} == {"a-controller"}


def test_an_object_without_managed_fields(api, cluster, namespace):
    """The API server would make up an owner of all that is there: the next adoption would find it."""
    obj = {**config_map("one", a="1"), "metadata": {"name": "one", "namespace": namespace, "labels": {"x": "y"}}}
    made = cluster.apply(obj, "them")
    cluster.merge_patch(ref(made), {"metadata": {"managedFields": [{}]}})
    assert "managedFields" not in cluster.get("v1", "ConfigMap", namespace, "one")["metadata"]
    wanted = declared(namespace, config_map("one", a="1"))
    assert api("config_set", wanted, adopt=True).counts() == {"adopt": 1}
    assert not api("config_set", wanted, adopt=True).changed


def test_what_istioctl_installed_beside_is_named_and_stays(plane, cluster, namespace, tools):
    tools.install("istioctl", namespace)
    extra = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "istio-ingressgateway",
            "namespace": namespace,
            "labels": {"operator.istio.io/component": "IngressGateways", "istio.io/rev": "default"},
        },
        "spec": {"ports": [{"port": 80}]},
    }
    cluster.apply(extra, "istio-operator")
    canary = {**extra, "metadata": {**extra["metadata"], "name": "other"}}
    canary["metadata"]["labels"] = {**extra["metadata"]["labels"], "istio.io/rev": "canary"}
    cluster.apply(canary, "istio-operator")
    for check in (True, False):
        assert plane(check=check, adopt=True).warnings == [
            f"istioctl also installed what is not declared here, and stays: Service {namespace}/istio-ingressgateway"
        ]
    assert cluster.get("v1", "Service", namespace, "istio-ingressgateway") is not None
    assert plane(adopt=True).warnings == []


@pytest.mark.parametrize("tool", sorted(HELM))
def test_a_gateway_by_its_chart(api, lab, cluster, namespace, tools, tool):
    wanted = {"name": "edge", "namespace": namespace, "charts": {"path": lab.charts}, "labels": {"istio": "edge"}}
    path = f"{lab.charts}/gateway"
    # The release has another name than the gateway, so its pods carry other labels than ours would.
    arguments = ["--namespace", namespace, "--set", "name=edge", "--set", "labels.istio=edge"]
    tools.run(HELM[tool], "install", "my-edge", path, *arguments)
    with installed(cluster, injector("test-default", {"istio.io/rev": "default"}, default=True)):
        with pytest.raises(MeshError) as caught:
            api("gateway", wanted)
        assert "belongs to Helm release (my-edge)" in str(caught.value)
        before = cluster.get("apps/v1", "Deployment", namespace, "edge")
        report = api("gateway", wanted, adopt=True, helm_release="remove")
        assert {change.action for change in by_action(report).values()} == {"adopt", "delete"}
        after = cluster.get("apps/v1", "Deployment", namespace, "edge")
        assert after["spec"] == before["spec"]
        assert not api("gateway", wanted, adopt=True, helm_release="remove").changed
        assert not api("gateway", wanted).changed
        # Another chart value is a restart anyway, and brings our labels.
        api("gateway", {**wanted, "values": {"podAnnotations": {"a": "b"}}})
        assert api("gateway", {**wanted, "values": {"podAnnotations": {"a": "b"}}}).changed is False
        assert tools.releases("helm", namespace) == {}
        api("gateway", wanted, "absent")


def test_a_tag_of_istioctl(api, cluster, namespace, tools, plane):
    tools.install("istioctl", namespace)
    plane(adopt=True)
    tools.run("istioctl", "tag", "set", "prod", "--revision", "default", "--istioNamespace", namespace)
    wanted = {"tag": "prod", "revision": "default", "namespace": namespace}
    with pytest.raises(MeshError) as caught:
        api("revision_tag", wanted)
    assert caught.value.code == "foreign_owner"
    told = api("revision_tag", wanted, check=True, adopt=True)
    done = api("revision_tag", wanted, adopt=True)
    assert [change.as_dict() for change in told.objects] == [change.as_dict() for change in done.objects]
    # istioctl copies the labels of the injector, the one of its set too.
    assert {change.reason for change in by_action(done).values()} == {"from istioctl (istio-ci)"}
    assert done.counts() == {"adopt": 2}
    assert not api("revision_tag", wanted, adopt=True).changed
    api("revision_tag", wanted, "released")
    tools.run("istioctl", "tag", "set", "prod", "--revision", "default", "--overwrite", "--istioNamespace", namespace)
    api("revision_tag", wanted, adopt=True)
    api("revision_tag", wanted, "absent")
