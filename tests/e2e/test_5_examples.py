# SPDX-License-Identifier: Apache-2.0
"""The modules' examples that need a mesh that runs, as they stand in the documentation. On cluster cloud.

All others are run in tests/api/test_examples.py.
"""

from __future__ import annotations

import pytest
import yaml

from tests.examples.documented import ON_A_MESH, examples
from tests.examples.playing import Stage, play_check, play_twice

CLUSTER = "cloud"
NAMESPACE = "examples"


@pytest.fixture(scope="module", autouse=True)
def prepared(core):
    """The tag of which the examples speak; it goes in the end, with all that they leave behind."""
    core(CLUSTER, "revision_tag", {"tag": "prod", "revision": "default"})
    yield
    core(CLUSTER, "config_set", {"name": "shop-with-proxies", "namespace": "shop"}, "absent")
    charts = {"path": core.lab.charts}
    core(CLUSTER, "gateway", {"name": "webgw", "namespace": NAMESPACE, "charts": charts}, "absent")
    core(CLUSTER, "revision_tag", {"tag": "prod", "revision": "default"}, "absent")


@pytest.fixture
def stage(lab, core, shop_image):
    """The lab, where charts and images come from, and in a namespace of its own."""
    charts = {"repository": lab.chart_repository, "plain_http": True}
    gateway = {"namespace": NAMESPACE, "charts": charts, "replicas": 1, "image_pull_policy": "IfNotPresent"}
    workloads = yaml.safe_dump_all(shop(shop_image))
    connection = {"kubeconfig": str(lab.kubeconfig), "context": CLUSTER}
    return Stage(connection, {"gateway": gateway}, files=dict.fromkeys(("shop.yml", "client.yml"), workloads))


def shop(image):
    """A workload without a proxy, whose name nothing of the demo has."""
    labels = {"app": "by-hand"}
    container = {"name": "app", "image": image, "env": [{"name": "SERVICE", "value": "details"}]}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    return [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "by-hand"}, "spec": spec}]


@pytest.mark.parametrize("module", ON_A_MESH)
def test_examples(stage, tmp_path, module):
    tasks = examples(module, ON_A_MESH[module])
    for play in (play_check, play_twice):
        played = play(tasks, stage, tmp_path)
        assert [text for task in played for text in task.complaints()] == []
    assert [task.task["name"] for task in played if task.done.get("skipped")] == []
