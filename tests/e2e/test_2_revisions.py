# SPDX-License-Identifier: Apache-2.0
"""A second revision beside the first, a tag that moves, the CNI node agent, every chart source. On cluster cloud."""

from __future__ import annotations

import json
import time

import pytest
from mesh.apply.waiting import Deadline, await_gone, await_ready
from mesh.model.errors import MeshError
from mesh.model.objects import ref
from mesh.operations import discovery

CANARY = "canary"


@pytest.fixture(scope="module")
def canary(core):
    """A second revision, from the OCI registry; taken away at the end."""
    charts = {"repository": core.lab.oci_charts, "plain_http": True}
    data = core.control_plane(revision=CANARY, charts=charts, cluster_name="cloud", network="cloud-net")
    report = core("cloud", "control_plane", data)
    assert report.changed
    yield data
    core("cloud", "injection", {"namespaces": ["canary"]}, "absent")
    core("cloud", "revision_tag", {"tag": "prod"}, "absent")
    core("cloud", "control_plane", {"revision": CANARY, **data}, "absent")


def test_charts_of_all_sources_render_the_same(core, canary):
    for charts in ({"path": core.lab.charts}, {"repository": core.lab.chart_repository, "plain_http": True}):
        report = core("cloud", "control_plane", {**canary, "charts": charts}, check=True)
        assert not report.changed, report.objects


def test_a_tag_needs_a_revision_that_is_there(core):
    with pytest.raises(MeshError) as caught:
        core("cloud", "revision_tag", {"tag": "prod", "revision": "nowhere"})
    assert caught.value.code == "missing_dependency"
    assert str(caught.value) == "cloud: revision nowhere: is not installed (apply its control plane first)"


def test_tag_injects_with_its_revision_and_moves(core, clusters, canary, shop_image):
    core("cloud", "revision_tag", {"tag": "prod", "revision": CANARY})
    core("cloud", "injection", {"namespaces": ["canary"], "revision": "prod"})
    assert _proxy_revision(clusters["cloud"], shop_image) == CANARY
    moved = core("cloud", "revision_tag", {"tag": "prod", "revision": "default"})
    assert moved.changed
    assert _proxy_revision(clusters["cloud"], shop_image) == "default"
    core("cloud", "revision_tag", {"tag": "prod", "revision": CANARY})


def _proxy_revision(cluster, image):
    """Which revision injects a new pod in namespace canary (asked by dry run)."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "try", "namespace": "canary"},
        "spec": {"containers": [{"name": "app", "image": image}]},
    }
    for _ in range(50):
        try:
            made = cluster.dry_run_create(pod)
            return json.loads(made["metadata"]["annotations"]["sidecar.istio.io/status"])["revision"]
        except (MeshError, KeyError):
            time.sleep(0.2)
    raise AssertionError("no injection within 10 s")


def _workload(kind, name, image, **spec):
    """Two pods that answer nobody."""
    labels = {"app": name}
    env = [{"name": "SERVICE", "value": "details"}]
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent", "env": env}
    pod = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "canary"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            **spec,
        },
    }


def _budget(name, **spec):
    metadata = {"name": name, "namespace": "canary"}
    selector = {"selector": {"matchLabels": {"app": name}}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata,
        "spec": {**selector, **spec},
    }


@pytest.fixture
def workloads(clusters, canary, shop_image):
    """A Deployment, a StatefulSet and one that has no proxy on purpose, running in namespace canary."""
    cluster = clusters["cloud"]
    alone = _workload("Deployment", "alone", shop_image)
    alone["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"
    strategy = {"strategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}}
    objects = [
        _workload("Deployment", "web", shop_image, **strategy),
        _budget("web", maxUnavailable=1),
        _workload("StatefulSet", "db", shop_image, serviceName="db", podManagementPolicy="Parallel"),
        alone,
    ]
    try:
        await_ready(cluster, {ref(obj): cluster.apply(obj, "them") for obj in objects}, Deadline(120), print)
        yield
    finally:
        for obj in objects:
            cluster.delete(ref(obj), with_dependents=True)
        await_gone(cluster, map(ref, objects), Deadline(60), print)


def _revisions(cluster):
    """Workload -> the revisions of its pods' proxies."""
    found = {}
    for pod in cluster.list("v1", "Pod", "canary"):
        if not pod["metadata"].get("deletionTimestamp"):
            proxy = discovery.revision_of(pod) if discovery.has_proxy(pod) else None
            found.setdefault(pod["metadata"]["labels"]["app"], set()).add(proxy)
    return found


def _restarted(report):
    return sorted((change.ref.kind, change.ref.name) for change in report.restarts)


STALE = [("Deployment", "web"), ("StatefulSet", "db")]


def test_workloads_with_another_proxy_restart_and_no_others(core, clusters, workloads, capsys):
    cluster = clusters["cloud"]
    wanted = {"namespaces": ["canary"], "revision": "prod", "restart": True}
    assert _revisions(cluster) == {"web": {CANARY}, "db": {CANARY}, "alone": {None}}
    assert not core("cloud", "injection", wanted).changed
    core("cloud", "revision_tag", {"tag": "prod", "revision": "default"})
    told = core("cloud", "injection", wanted, check=True)
    assert (told.changed, _restarted(told)) == (True, STALE)
    assert len(told.result["stale"]) == 4
    assert "pods have revision canary" in told.restarts[0].reason
    done = core("cloud", "injection", {**wanted, "restart_at_once": 1})
    assert _restarted(done) == STALE
    assert done.result["stale"] == []
    assert _revisions(cluster) == {"web": {"default"}, "db": {"default"}, "alone": {None}}
    assert "restarting 2 to 2 of 2" in capsys.readouterr().out
    assert not core("cloud", "injection", wanted).changed
    core("cloud", "revision_tag", {"tag": "prod", "revision": CANARY})


def test_a_budget_that_never_allows_it_stops_before_anything_restarts(core, clusters, workloads):
    cluster = clusters["cloud"]
    cluster.apply(_budget("web", minAvailable=2), "them", force=True)
    before = _revisions(cluster)
    core("cloud", "revision_tag", {"tag": "prod", "revision": "default"})
    for _ in range(50):  # until the controller has counted
        found = cluster.get("policy/v1", "PodDisruptionBudget", "canary", "web")
        if found["status"].get("desiredHealthy") == found["status"].get("expectedPods") == 2:
            break
        time.sleep(0.2)
    with pytest.raises(MeshError) as caught:
        core("cloud", "injection", {"namespaces": ["canary"], "revision": "prod", "restart": True})
    assert str(caught.value) == (
        "cloud: Deployment canary/web: its restart takes 1 pods down at once, and PodDisruptionBudget web never allows "
        "more than 0 (lower maxUnavailable of the workload, or have more replicas)"
    )
    assert _revisions(cluster) == before
    core("cloud", "revision_tag", {"tag": "prod", "revision": CANARY})


def test_a_used_revision_is_not_removed(core, canary):
    with pytest.raises(MeshError) as caught:
        core("cloud", "control_plane", {"revision": CANARY}, "absent")
    assert caught.value.code == "in_use"
    assert "is still tagged prod" in str(caught.value)


def test_cni_node_agent_comes_and_goes(core, clusters, canary, shop_image):
    without = core.control_plane(cluster_name="cloud", network="cloud-net")
    without |= {"mesh_id": "shop", "mesh_config": {"accessLogFile": "/dev/stdout"}}
    with_cni = {**without, "cni": True, "values": {**without["values"], "cni": core.lab.cni}}
    report = core("cloud", "control_plane", with_cni)
    assert report.ready
    agents = clusters["cloud"].list("apps/v1", "DaemonSet", "istio-system")
    assert [agent["status"]["numberAvailable"] for agent in agents] == [1]
    pod = clusters["cloud"].dry_run_create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "try", "namespace": "shop"},
            "spec": {"containers": [{"name": "app", "image": shop_image}]},
        }
    )
    assert "istio-validation" in [item["name"] for item in pod["spec"]["initContainers"]]
    kept = core("cloud", "control_plane", without)
    assert kept.changed
    assert len(clusters["cloud"].list("apps/v1", "DaemonSet", "istio-system")) == 1, "the canary may stand on it"
    assert core("cloud", "control_plane", {**without, "cni": False}).changed
    assert clusters["cloud"].list("apps/v1", "DaemonSet", "istio-system") == []
