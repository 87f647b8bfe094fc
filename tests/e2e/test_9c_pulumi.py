# SPDX-License-Identifier: Apache-2.0
"""The main job from a Pulumi program, on clusters without a mesh: both fronts find each other's work as declared."""

from __future__ import annotations

import time

import pytest
import yaml

from demo.measure import measure
from demo.pulumi import CLUSTERS, declared, program
from demo.run import on_the_lab
from lab.engine import prepare
from tests.pulumi.stacks import Stack

from .test_9_uninstall import _left


@pytest.fixture(scope="module")
def told(lab, automation):
    """The lab, under the accounts whose roles follow from the example's inventory."""
    automation.grant()  # the test before this one took a namespace away
    return {**on_the_lab(), "mesh_kubeconfig": str(automation.kubeconfig)}


@pytest.fixture(scope="module")
def stack(tmp_path_factory, lab):
    return Stack("e2e", prepare(tmp_path_factory.mktemp("pulumi")))


def test_a_preview_of_empty_clusters_makes_nothing(stack, told, clusters):
    planned = stack.run("preview", lambda: program(told))
    assert planned.of("ControlPlane") == {"create": 2}
    for cluster in clusters.values():
        assert _left(cluster) == []


def test_one_up_and_traffic_flows(stack, told, lab):
    made = stack.run("up", lambda: program(told))
    assert made.of("Gateway") == {"create": 2}
    for name in CLUSTERS:
        measured = measure(name, {"mesh_kubeconfig": str(lab.kubeconfig), "mesh_context": name})
        assert measured.as_declared, measured
        assert made.outputs["addresses"][name] == [measured.address]


def test_a_second_up_has_nothing_to_do(stack, told):
    assert not stack.run("up", lambda: program(told)).changed


def test_ansible_finds_it_as_declared(play, stack, told):
    played = play("meshops.mesh.site")
    assert played.code == 0, played.output
    assert played.changed == dict.fromkeys(CLUSTERS, 0), played.output
    assert not stack.run("up", lambda: program(told)).changed


def test_ansible_reads_the_same_declaration(play, told, tmp_path):
    """One mesh.yaml, both fronts, the same result."""
    inventory = tmp_path / "mesh.yaml"
    inventory.write_text(yaml.safe_dump({"plugin": "meshops.mesh.declaration", **declared(told)}))
    played = play("meshops.mesh.site", inventory=inventory)
    assert played.code == 0, played.output
    assert played.changed == dict.fromkeys(CLUSTERS, 0), played.output


def test_destroy_leaves_nothing(stack, told, clusters):
    gone = stack.run("destroy", lambda: program(told))
    assert gone.of("ControlPlane") == {"delete": 2}
    for cluster in clusters.values():
        deadline = time.monotonic() + 15  # the API server takes the APIServices of definitions away by itself
        while _left(cluster) and time.monotonic() < deadline:
            time.sleep(0.5)
            cluster.forget_kinds()
        assert _left(cluster) == []
