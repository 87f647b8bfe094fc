# SPDX-License-Identifier: Apache-2.0
"""The main job from a Pulumi program, on clusters without a mesh: both fronts find each other's work as declared."""

from __future__ import annotations

import json
import runpy
import time

import pulumi
import pytest
import yaml

import pulumi_mesh as mesh
from demo.measure import measure
from demo.pulumi import CLUSTERS, configuration, declared, program
from demo.run import on_the_lab
from lab.engine import prepare
from tests.pulumi.stacks import Stack

from .conftest import ROOT
from .test_4b_kube_inject import WORKLOADS, essential, istioctls
from .test_9_uninstall import FOREIGN, _left


@pytest.fixture(scope="module")
def told(lab, automation):
    """The lab, under the accounts whose roles follow from the example's inventory."""
    automation.grant()  # the test before this one took a namespace away
    return {**on_the_lab(), "mesh_kubeconfig": str(automation.kubeconfig)}


@pytest.fixture(scope="module")
def stack(tmp_path_factory, told):
    return Stack("e2e", prepare(tmp_path_factory.mktemp("pulumi")), configuration(told))


def test_a_preview_of_empty_clusters_makes_nothing(stack, clusters):
    planned = stack.run("preview", program)
    assert planned.of("ControlPlane") == {"create": 2}
    for cluster in clusters.values():
        assert _left(cluster) == []


def test_one_up_and_traffic_flows(stack, lab):
    made = stack.run("up", program)
    assert made.of("Gateway") == {"create": 2}
    for name in CLUSTERS:
        measured = measure(name, {"mesh_kubeconfig": str(lab.kubeconfig), "mesh_context": name})
        assert measured.as_declared, measured
        assert made.outputs["addresses"][name] == [measured.address]


def test_a_second_up_has_nothing_to_do(stack):
    assert not stack.run("up", program).changed


def test_injection_by_hand_is_asked_for(stack, lab, tmp_path):
    def asking():
        program()
        cluster = mesh.Provider("by-hand", kubeconfig=str(lab.kubeconfig), context="cloud")
        asked = mesh.kube_inject(pulumi.InvokeOutputOptions(provider=cluster), objects=WORKLOADS)
        pulumi.export("by_hand", asked)

    told = stack.run("up", asking).outputs["by_hand"]
    assert essential(told["objects"]) == essential(istioctls(lab, WORKLOADS, tmp_path))
    assert list(told["skipped"]) == ["Deployment shop/on-the-host"]
    assert stack.run("up", program).changed  # that provider has gone


def test_ansible_finds_it_as_declared(play, stack):
    played = play("meshops.mesh.site")
    assert played.code == 0, played.output
    assert played.changed == dict.fromkeys(CLUSTERS, 0), played.output
    assert not stack.run("up", program).changed


def test_ansible_reads_the_same_declaration(play, told, tmp_path):
    """One mesh.yaml, both fronts, the same result."""
    inventory = tmp_path / "mesh.yaml"
    inventory.write_text(yaml.safe_dump({"plugin": "meshops.mesh.declaration", **declared(told)}))
    played = play("meshops.mesh.site", inventory=inventory)
    assert played.code == 0, played.output
    assert played.changed == dict.fromkeys(CLUSTERS, 0), played.output


def purging(told):
    """As declared, but on one of the clusters everything is to go, objects of others too."""
    declaration = declared(told)
    declaration["clusters"]["cloud"]["control_plane"][0]["purge"] = True
    mesh.Mesh("shop", declaration)


def test_to_purge_changes_nothing_yet(stack, told):
    assert not stack.run("up", lambda: purging(told)).changed


def test_destroy_keeps_what_holds_objects_of_others_and_purges_where_told(stack, told, clusters, core):
    for cluster in clusters.values():
        cluster.apply(FOREIGN, "somebody")
    gone = stack.run("destroy", lambda: purging(told))
    assert gone.of("ControlPlane") == {"delete": 2}
    assert "serviceentries.networking.istio.io is kept: it holds 1 ServiceEntry" in gone.text
    _leaves_nothing(clusters["cloud"])
    kept = clusters["onprem"].list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert [item["metadata"]["name"] for item in kept] == ["serviceentries.networking.istio.io"]
    assert clusters["onprem"].list(FOREIGN["apiVersion"], FOREIGN["kind"], "default")
    # Ansible finishes what Pulumi began.
    core("onprem", "control_plane", core.control_plane(), "absent", purge=True)
    _leaves_nothing(clusters["onprem"])


def _leaves_nothing(cluster):
    deadline = time.monotonic() + 15  # the API server takes the APIServices of definitions away by itself
    while _left(cluster) and time.monotonic() < deadline:
        time.sleep(0.5)
        cluster.forget_kinds()
    assert _left(cluster) == []


SINGLE = ROOT / "examples" / "pulumi" / "single"


def test_the_example_of_a_single_cluster(tmp_path_factory, told, clusters, automation, core):
    """From nothing to nothing, as it stands."""
    plane = core.control_plane(mesh_config={"accessLogFile": "/dev/stdout"})
    gateway = {"name": "ingress", "version": plane["version"], "charts": plane["charts"]}
    strict = {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": {"name": "default"}}
    mutual_tls = {"name": "mutual-tls", "namespace": "istio-system", "objects": [strict]}
    declarations = [{"control_plane": plane}, {"gateway": gateway}, {"config_set": mutual_tls}]
    account = automation.accounts["onprem"]
    account.grant(account.derived(declarations, "automation-single"))
    objects = {"charts": told["mesh_charts"], "values": told["mesh_values"]}
    texts = {"version": told["mesh_version"], "kubeconfig": told["mesh_kubeconfig"], "context": "onprem"}
    texts |= {name: json.dumps(value) for name, value in objects.items()}
    config = {f"single:{name}": value for name, value in texts.items()}
    stack = Stack("single", prepare(tmp_path_factory.mktemp("pulumi")), config)

    def example():
        runpy.run_path(str(SINGLE))

    made = stack.run("up", example)
    assert made.outputs["revision"] == "default"
    assert made.outputs["addresses"]
    assert not stack.run("up", example).changed
    stack.run("destroy", example)
    _leaves_nothing(clusters["onprem"])
