# SPDX-License-Identifier: Apache-2.0
"""The way out: what was kept and why, and then nothing of ours is left."""

from __future__ import annotations

import time

CLUSTERS = ("onprem", "cloud")
FOREIGN = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "ServiceEntry",
    "metadata": {"name": "foreign", "namespace": "default"},
    "spec": {
        "hosts": ["example.com"],
        "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
        "resolution": "DNS",
    },
}


def test_definitions_that_hold_objects_of_others_are_kept(play, clusters):
    clusters["onprem"].apply(FOREIGN, "somebody")
    played = play("meshops.mesh.uninstall")
    assert played.code == 0, played.output
    assert "serviceentries.networking.istio.io is kept: it holds 1 ServiceEntry; purge removes them" in played.output
    definitions = clusters["onprem"].list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert [item["metadata"]["name"] for item in definitions] == ["serviceentries.networking.istio.io"]


def test_purge_leaves_nothing(play, clusters):
    played = play("meshops.mesh.uninstall", "-e", "uninstall_purge=true")
    assert played.code == 0, played.output
    for cluster in clusters.values():
        deadline = time.monotonic() + 15  # the API server takes the APIServices of definitions away by itself
        while _left(cluster) and time.monotonic() < deadline:
            time.sleep(0.5)
            cluster.forget_kinds()
        assert _left(cluster) == []


def test_a_third_run_has_nothing_to_do(play):
    assert play("meshops.mesh.uninstall").changed == dict.fromkeys(CLUSTERS, 0)


def _left(cluster):
    """Everything that a mesh could have left in a cluster. Events tell of the past; the lab has objects of its own, and
    so has the admin: the roles of the account, and the namespaces that they are in."""
    left = [obj["metadata"]["name"] for obj in cluster.list("v1", "Namespace") if _is_marked(obj)]
    for resource in cluster.kinds:
        if "list" in resource.verbs and resource.kind not in ("Event", "Namespace"):
            for obj in cluster.list_at(resource)[0]:
                text = f"{obj['kind']} {obj['metadata']['name']}"
                ours = "istio" in text or "meshops" in text or "applyset" in str(obj["metadata"].get("labels"))
                if ours and "meshops-lab" not in text:
                    left.append(text)
    return sorted(left)


def _is_marked(namespace):
    """Whether a label or annotation of ours or of the mesh is still on it."""
    metadata = namespace["metadata"]
    keys = [*metadata.get("labels", ()), *metadata.get("annotations", ())]
    return any("istio" in key or "meshops" in key for key in keys)
