# SPDX-License-Identifier: Apache-2.0
"""Sets as ordinary resources of pulumi-kubernetes: registered as such, and equal to what our engine applies."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest
from mesh.apply.engine import run
from mesh.model.objects import ref
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

from lab.paths import CHECKOUT
from pulumi_mesh.kubernetes import expand, objects

from .conftest import API

#: Mocks are global to a process, so the program has one of its own.
PROGRAM = """
import json, sys
import pulumi
from pulumi_mesh.kubernetes import expand

seen = []

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        seen.append([args.typ, args.name, sorted(args.inputs)])
        return [args.name, args.inputs]

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Mocks(), preview=False)

@pulumi.runtime.test
def register():
    made = expand("mesh", json.load(sys.stdin))
    return pulumi.Output.all(*(item.urn for item in made.values()))

register()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def plane(lab, cluster):
    """The control plane's declaration, its objects, and whether our engine has applied them."""
    declared = {"charts": {"path": lab.charts}, "network": "net"}
    return declared, objects("control_plane", declared, kubernetes_version=cluster.server_version)


def test_order_and_names(plane):
    _declared, found = plane
    kinds = list(dict.fromkeys(obj["kind"] for obj in found))
    assert kinds[:2] == ["Namespace", "CustomResourceDefinition"]
    assert kinds.index("Deployment") < kinds.index("MutatingWebhookConfiguration")
    names = [str(ref(obj)) for obj in found]
    assert len(set(names)) == len(names) > 30
    assert all("caBundle" not in json.dumps(obj) or obj["kind"] == "CustomResourceDefinition" for obj in found)


def test_registered_as_resources_of_pulumi_kubernetes(plane):
    _declared, found = plane
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps(found),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = {(kind, name) for kind, name, _inputs in json.loads(done.stdout)}
    assert len(seen) == len(found)
    assert ("kubernetes:apps/v1:Deployment", "mesh-deployment-istio-system/istiod") in seen
    assert ("kubernetes:core/v1:Namespace", "mesh-namespace-istio-system") in seen
    assert any(kind == "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition" for kind, _name in seen)


def test_equal_to_what_our_engine_applies(plane, cluster):
    declared, found = plane
    operation = OPERATIONS["control_plane"]
    spec = parse(operation.spec, declared)
    options = RunOptions(wait=False)
    run(operation, spec, cluster, options, Mode(), lambda _line: None)
    try:
        for obj in found:
            there = cluster.get(
                obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
            )
            assert there is not None, ref(obj)
            assert _content(cluster.apply(obj, "expanded", force=True, dry_run=True)) == _content(there), ref(obj)
        ours = run(operation, spec, cluster, options, Mode(check=True), lambda _line: None)
        assert {ref(obj) for obj in found} == {change.ref for change in ours.objects}
    finally:
        run(operation, spec, cluster, options, Mode("absent"), lambda _line: None)


PLUGIN = "pulumi-resource-kubernetes"


@pytest.mark.skipif(shutil.which(PLUGIN) is None, reason=f"there is no {PLUGIN} on PATH")
def test_the_plugin_itself_brings_them_about(lab, plane, cluster, stack):
    _declared, found = plane
    for obj in found:  # nobody runs pods here
        obj["metadata"].setdefault("annotations", {})["pulumi.com/skipAwait"] = "true"

    def program():
        where = {"kubeconfig": Path(lab.kubeconfig).read_text(encoding="utf-8"), "context": API}
        provider = pulumi.ProviderResource("kubernetes", "cluster", where)
        expand("mesh", found, pulumi.ResourceOptions(provider=provider))

    try:
        stack.run("up", program)
        for obj in found:
            there = cluster.get(
                obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
            )
            assert there is not None, ref(obj)
            assert _content(cluster.apply(obj, "expanded", force=True, dry_run=True)) == _content(there), ref(obj)
        assert not stack.run("up", program).changed
    finally:
        stack.run("destroy", program)
    cluster.forget_kinds()
    left = cluster.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert [obj["metadata"]["name"] for obj in left if obj["metadata"]["name"].endswith(".istio.io")] == []


def _content(obj):
    """Without what an apply changes by itself, and the marks of our sets."""
    metadata = {key: obj["metadata"].get(key) for key in ("name", "namespace")}
    labels = {
        key: value
        for key, value in (obj["metadata"].get("labels") or {}).items()
        if key not in ("applyset.kubernetes.io/part-of", "app.kubernetes.io/managed-by")
    }
    rest = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": {**metadata, "labels": labels}}
