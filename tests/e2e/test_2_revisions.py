# SPDX-License-Identifier: Apache-2.0
"""A second revision beside the first, a tag that moves, the CNI node agent, every chart source. On cluster cloud."""

from __future__ import annotations

import json
import time

import pytest
from mesh.model.errors import MeshError

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
