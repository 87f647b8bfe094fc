# SPDX-License-Identifier: Apache-2.0
"""Manual injection gives what `istioctl kube-inject` gives, by revision and by tag."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from mesh.apply.engine import run
from mesh.model.errors import MeshError
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

from .conftest import ROOT

CLUSTER = "cloud"
ISTIOCTL = ROOT / ".lab" / "bin" / "istioctl"


def pod(**spec):
    metadata = {"labels": {"app": "page", "version": "v1"}, "annotations": {"example.com/a": "b"}}
    container = {"name": "app", "image": "example.invalid/app:1", "ports": [{"containerPort": 80}]}
    return {"metadata": metadata, "spec": {"containers": [container], **spec}}


def workload(api_version, kind, spec, **metadata):
    named = {"name": kind.lower(), "namespace": "shop", **metadata}
    return {"apiVersion": api_version, "kind": kind, "metadata": named, "spec": spec}


def selecting(template):
    return {"selector": {"matchLabels": template["metadata"]["labels"]}, "template": template}


WORKLOADS = [
    workload("apps/v1", "Deployment", {"replicas": 2, **selecting(pod())}),
    workload("apps/v1", "StatefulSet", {"serviceName": "page", **selecting(pod())}),
    workload("apps/v1", "DaemonSet", selecting(pod(serviceAccountName="page"))),
    workload("apps/v1", "ReplicaSet", selecting(pod(initContainers=[{"name": "first", "image": "a"}]))),
    workload("batch/v1", "Job", {"template": pod(restartPolicy="Never")}),
    workload(
        "batch/v1",
        "CronJob",
        {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": pod(restartPolicy="OnFailure")}}},
    ),
    {"apiVersion": "v1", "kind": "Pod", **pod(), "metadata": {"name": "pod", "namespace": "shop"}},
    workload("apps/v1", "Deployment", selecting(pod(hostNetwork=True)), name="on-the-host"),
]
#: istioctl goes by the name of a kind alone, and would inject into the last one.
OTHERS = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}},
    {"apiVersion": "example.com/v1", "kind": "Deployment", "metadata": {"name": "of-somebody"}, "spec": {"a": [1]}},
]
LIST = {"apiVersion": "v1", "kind": "List", "items": [WORKLOADS[0], OTHERS[0]]}


@pytest.fixture(scope="module", autouse=True)
def a_tag(core):
    core(CLUSTER, "revision_tag", {"tag": "by-hand", "revision": "default"})
    yield
    core(CLUSTER, "revision_tag", {"tag": "by-hand", "revision": "default"}, "absent")


def ours(clusters, objects, **options):
    operation = OPERATIONS["kube_inject"]
    spec = parse(operation.spec, {"objects": objects, **options})
    return run(operation, spec, clusters[CLUSTER], RunOptions(), Mode(), print).result


def istioctls(lab, objects, tmp_path):
    file = tmp_path / "objects.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    command = [str(ISTIOCTL), "--kubeconfig", str(lab.kubeconfig), "--context", CLUSTER, "kube-inject", "-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [item for item in yaml.safe_load_all(done.stdout) if item]


def essential(value):
    """Without the empty values that Go writes out, and the status that no workload has yet."""
    if isinstance(value, dict):
        kept = {key: essential(item) for key, item in value.items() if key != "status"}
        return {key: item for key, item in kept.items() if item not in (None, {}, [], "")}
    return [essential(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("objects", [WORKLOADS, OTHERS[:1], [LIST]], ids=["workloads", "others", "list"])
def test_it_is_what_istioctl_makes_of_them(lab, clusters, objects, tmp_path):
    told = ours(clusters, objects)
    assert essential(told["objects"]) == essential(istioctls(lab, objects, tmp_path))
    assert list(yaml.safe_load_all(told["yaml"])) == told["objects"]


def test_it_says_what_it_did(clusters):
    told = ours(clusters, [*WORKLOADS, *OTHERS], revision="by-hand")
    assert len(told["injected"]) == len(WORKLOADS) - 1
    assert told["skipped"] == {"Deployment shop/on-the-host": "it has the network of its host"}
    assert told["objects"][-2:] == OTHERS
    container = json.dumps(told["objects"][0]["spec"]["template"]["spec"])
    assert "istio-proxy" in container


def test_templates_are_used_as_if_the_pods_named_them(lab, clusters, tmp_path):
    named = pod()
    named["metadata"]["annotations"]["inject.istio.io/templates"] = "grpc-agent"
    told = ours(clusters, WORKLOADS[:1], templates=["grpc-agent"])
    expected = [workload("apps/v1", "Deployment", {"replicas": 2, **selecting(named)})]
    assert essential(told["objects"]) == essential(istioctls(lab, expected, tmp_path))
    assert essential(told["objects"]) != essential(ours(clusters, WORKLOADS[:1])["objects"])


def test_nobody_answers_to_that_name(clusters):
    with pytest.raises(MeshError, match="no revision or tag of that name") as caught:
        ours(clusters, WORKLOADS, revision="nothing")
    assert caught.value.where == "cloud: revision nothing"
