# SPDX-License-Identifier: Apache-2.0
"""A whole mesh of istioctl, on a cluster without any, is taken over, given back, taken over again and removed."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from mesh.apply.readiness import addresses
from mesh.model.objects import Ref

from .hosts import FAR, await_, package, write_inventory
from .test_9_uninstall import _left

CLUSTER = "cloud"
ISTIOCTL = Path(__file__).resolve().parents[2] / ".lab" / "bin" / "istioctl"
TAG = ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "istio-revision-tag-default")


@pytest.fixture
def install(lab, core, tmp_path):
    """istioctl install, with the values of the lab in istioctl's own places."""
    values = core.control_plane()["values"]
    own = {key: value for key, value in values.items() if key not in ("autoscaleEnabled", "resources")}
    own["pilot"] = {**values["pilot"], **{key: values[key] for key in values.keys() - own.keys()}}
    kind = {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator"}
    file = tmp_path / "operator.json"
    file.write_text(json.dumps({**kind, "spec": {"profile": "minimal", "values": own}}))

    def make():
        place = ["--kubeconfig", str(lab.kubeconfig), "--context", CLUSTER]
        command = [str(ISTIOCTL), *place, "install", "-y", "--readiness-timeout", "2m", "--filename", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr

    return make


def test_hosts_join_a_mesh_of_istioctl(lab, core, clusters, install, play, machines, tmp_path):
    """By istiod's own Service, as there is no gateway; what it takes is found in the cluster."""
    install()
    cluster, istiod = clusters[CLUSTER], Ref("", "Service", "istio-system", "istiod")
    host = machines[FAR]
    declared = {"name": "guests", "namespace": "guests", "network": host.network}
    core(CLUSTER, "workload_group", declared)
    cluster.merge_patch(istiod, {"spec": {"type": "LoadBalancer"}})
    await_(lambda: addresses(cluster.get("v1", "Service", "istio-system", "istiod")), 20)
    core(CLUSTER, "vm_bootstrap", {"group": "guests", "namespace": "guests", "issue_token": False})
    core(CLUSTER, "workload_info", {})
    wanted = {"cluster": CLUSTER, "namespace": "guests", "group": "guests", "package": package(lab)}
    inventory = tmp_path / "hosts.json"
    write_inventory(inventory, {FAR: {f"vm_workload_{key}": value for key, value in wanted.items()}})
    joined = play("meshops.mesh.join_vm", "-i", str(inventory))
    assert joined.code == 0, joined.output
    found = core(CLUSTER, "workload_info", {}).result["workloads"]
    assert [(item["address"], item["connected"]) for item in found] == [(host.address, True)]
    left = play("meshops.mesh.leave_vm", "-i", str(inventory))
    assert left.code == 0, left.output
    core(CLUSTER, "workload_group", declared, "absent")
    cluster.merge_patch(istiod, {"spec": {"type": "ClusterIP"}})


def test_a_mesh_of_istioctl(core, clusters, install, shop_image):
    cluster = clusters[CLUSTER]
    install()
    pods = _pods(cluster)
    assert cluster.get(*TAG) is not None
    told = core(CLUSTER, "control_plane", core.control_plane(), check=True, adopt=True)
    done = core(CLUSTER, "control_plane", core.control_plane(), adopt=True)
    assert [change.as_dict() for change in told.objects] == [change.as_dict() for change in done.objects]
    # istioctl's tag stood in for the injector, which answers itself now.
    gone = {change.ref.name for change in done.objects if change.action == "delete"}
    assert gone == {"istio-revision-tag-default", "istiod-revision-tag-default"}
    assert done.counts().keys() == {"adopt", "delete", "unchanged"}
    assert cluster.get(*TAG) is None
    assert done.ready
    assert done.warnings == []
    for options in ({"adopt": True}, {}):
        assert not core(CLUSTER, "control_plane", core.control_plane(), **options).changed
    assert _proxies(cluster, shop_image) == 1
    assert _pods(cluster) == pods

    core(CLUSTER, "control_plane", core.control_plane(), "released")
    install()
    install()
    assert cluster.get(*TAG) is not None
    assert _proxies(cluster, shop_image) == 1
    assert _pods(cluster) == pods

    core(CLUSTER, "control_plane", core.control_plane(), adopt=True)
    assert _pods(cluster) == pods
    core(CLUSTER, "control_plane", core.control_plane(), "absent", purge=True)
    cluster.transport.raw("DELETE", "/api/v1/namespaces/istio-system")  # istioctl made it
    deadline = time.monotonic() + 60
    while not _settled(cluster) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert _left(cluster) == []


def _settled(cluster):
    """Whether the API server has noticed that definitions and the namespace are gone."""
    cluster.forget_kinds()
    served = any(resource.group.endswith("istio.io") for resource in cluster.kinds)
    return not served and cluster.get("v1", "Namespace", "", "istio-system") is None


def _pods(cluster):
    pods = cluster.list("v1", "Pod", "istio-system", "app=istiod")
    assert pods
    return {(pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in pods}


def _proxies(cluster, image):
    """How many proxies a new pod gets that asks for one."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "try", "namespace": "default", "labels": {"sidecar.istio.io/inject": "true"}},
        "spec": {"containers": [{"name": "app", "image": image}]},
    }
    spec = cluster.dry_run_create(pod)["spec"]
    return len([c for c in [*spec["containers"], *spec.get("initContainers", ())] if c["name"] == "istio-proxy"])
