# SPDX-License-Identifier: Apache-2.0
"""A revision that Helm installed, with a gateway and a workload, is taken over and given back while pods live on.
On cluster cloud, beside the revisions of the other files."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from mesh.model.objects import labels_of

CLUSTER = "cloud"
REVISION = "taken"
NAMESPACE = "taken"
BIN = Path(__file__).resolve().parents[2] / ".lab" / "bin"
HELM = {"helm3": "helm3", "helm4": "helm"}


@pytest.fixture(scope="module")
def run(lab):
    """Runs a program of the lab on the cluster, with values by standard input."""

    def run_program(program, *arguments, text=""):
        place = "--kube-context" if program in HELM.values() else "--context"
        command = [str(BIN / program), "--kubeconfig", str(lab.kubeconfig), place, CLUSTER, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_program


@pytest.fixture(params=["helm3", "helm4"])
def install(request, core, run):
    """Installs or upgrades the revision by a Helm: the charts' istiod alone, as the definitions are there."""
    values = {**core.control_plane()["values"], "revision": REVISION}

    def make():
        path = f"{core.lab.charts}/istiod"
        chosen = ["--install", "--namespace", "istio-system", "--wait", "--timeout", "2m"]
        run(HELM[request.param], "upgrade", "a-release", path, *chosen, "--values", "-", text=json.dumps(values))

    make()
    return make


@pytest.fixture
def taken(install, core, clusters, shop_image, run):
    """A namespace with a workload and a gateway of the revision; all goes at the end."""
    core(CLUSTER, "config_set", _workload(shop_image))
    chosen = ["--set", f"revision={REVISION}", "--set", "name=edge", "--set", "labels.istio=edge"]
    chosen += ["--set", "service.type=ClusterIP", "--set", "autoscaling.enabled=false"]
    chosen += ["--set", "imagePullPolicy=IfNotPresent", "--set", "resources.requests.cpu=10m"]
    path = f"{core.lab.charts}/gateway"
    run("helm", "upgrade", "--install", "edge-release", path, "--namespace", NAMESPACE, "--wait", *chosen)
    yield
    core(CLUSTER, "gateway", _gateway(core), adopt=True, helm_release="remove")
    core(CLUSTER, "gateway", _gateway(core), "absent")
    core(CLUSTER, "config_set", _workload(shop_image), "absent")
    core(CLUSTER, "control_plane", _plane(core), adopt=True, helm_release="remove")
    _gone(clusters[CLUSTER])
    core(CLUSTER, "control_plane", _plane(core), "absent")


def _gone(cluster):
    """The proxies of the revision keep it from being removed."""
    deadline = time.monotonic() + 60
    while cluster.list("v1", "Pod", NAMESPACE) and time.monotonic() < deadline:
        time.sleep(0.5)


def _plane(core):
    # The network is a label of the namespace that all revisions share.
    return core.control_plane(revision=REVISION, network=f"{CLUSTER}-net")


def _gateway(core):
    values = {"autoscaling": {"enabled": False}, "resources": {"requests": {"cpu": "10m"}}}
    return {
        "name": "edge",
        "namespace": NAMESPACE,
        "version": core.lab.istio_version,
        "revision": REVISION,
        "charts": {"repository": core.lab.chart_repository, "plain_http": True},
        "labels": {"istio": "edge"},
        "service_type": "ClusterIP",
        "image_pull_policy": "IfNotPresent",
        "values": values,
    }


def _workload(image):
    service = [{"name": "SERVICE", "value": "details"}, {"name": "VERSION", "value": "v1"}]
    container = {"name": "app", "image": image, "imagePullPolicy": "IfNotPresent", "env": service}
    labels = {"app": "app"}
    return {
        "name": "taken",
        "namespace": NAMESPACE,
        "objects": [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": NAMESPACE, "labels": {"istio.io/rev": REVISION}},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "app", "namespace": NAMESPACE},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
                },
            },
        ],
    }


def _pods(cluster):
    """Every container that runs for the revision: pod, its uid, and when it was started."""
    pods = [
        *cluster.list("v1", "Pod", NAMESPACE),
        *cluster.list("v1", "Pod", "istio-system", f"istio.io/rev={REVISION}"),
    ]
    return {
        (pod["metadata"]["uid"], status["name"], status["containerID"], status["restartCount"])
        for pod in pods
        for kind in ("containerStatuses", "initContainerStatuses")  # a proxy may be a native sidecar
        for status in pod["status"].get(kind) or ()
    }


def _deployments(cluster):
    found = [cluster.get("apps/v1", "Deployment", *where) for where in WORKLOADS]
    return {obj["metadata"]["name"]: (obj["metadata"]["generation"], obj["spec"]["template"]) for obj in found if obj}


WORKLOADS = (("istio-system", f"istiod-{REVISION}"), (NAMESPACE, "edge"), (NAMESPACE, "app"))


def test_taken_over_and_given_back_while_pods_live_on(core, clusters, taken, install):
    cluster = clusters[CLUSTER]
    pods, deployments = _pods(cluster), _deployments(cluster)
    assert len(pods) >= 4, "istiod, the gateway's proxy, and a workload with its proxy"
    assert len(deployments) == 3

    told = core(CLUSTER, "control_plane", _plane(core), check=True, adopt=True)
    done = core(CLUSTER, "control_plane", _plane(core), adopt=True)
    assert [change.as_dict() for change in told.objects] == [change.as_dict() for change in done.objects]
    assert done.counts()["adopt"] >= 10
    assert [change.as_dict() for change in done.objects if change.action not in ("adopt", "unchanged")] == []
    assert done.ready
    assert core(CLUSTER, "gateway", _gateway(core), adopt=True).counts().keys() == {"adopt", "unchanged"}
    for name, data in (("control_plane", _plane(core)), ("gateway", _gateway(core))):
        assert not core(CLUSTER, name, data, adopt=True).changed
        assert not core(CLUSTER, name, data).changed
    assert _deployments(cluster) == deployments
    assert _pods(cluster) == pods
    info = core(CLUSTER, "mesh_info", {}).result
    assert len([proxy for proxy in info["proxies"] if proxy["revision"] == REVISION]) == 2

    core(CLUSTER, "gateway", _gateway(core), "released")
    core(CLUSTER, "control_plane", _plane(core), "released")
    install()
    install()
    assert _pods(cluster) == pods
    istiod = cluster.get("apps/v1", "Deployment", *WORKLOADS[0])
    assert labels_of(istiod)["app.kubernetes.io/managed-by"] == "Helm"
