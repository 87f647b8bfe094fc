# SPDX-License-Identifier: Apache-2.0
"""Playbook verify where there are control planes in several namespaces of a cluster."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml

from .conftest import API


def istiod(namespace, revision):
    """One that stands still: no controller changes what is told of it."""
    labels = {"app": "istiod", "istio.io/rev": revision}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "d", "image": "pilot:1.31.0"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "istiod", "namespace": namespace, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@pytest.fixture
def two(cluster, namespace):
    """Control planes in two namespaces: each has the revision of its namespace's name."""
    other = f"{namespace}-b"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}, "them")
    for name in (namespace, other):
        cluster.apply(istiod(name, name), "them")
    yield [namespace, other]
    cluster.transport.raw("DELETE", f"/api/v1/namespaces/{other}")


@pytest.fixture
def played(lab, tmp_path):
    """Runs a playbook on what is declared; what it printed, and by name what it wrote."""

    def play(playbook, *arguments, **variables):
        host = {"ansible_connection": "local", "mesh_kubeconfig": str(lab.kubeconfig), "mesh_context": API}
        inventory = {"mesh_clusters": {"hosts": {"here": host}, "vars": variables}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
        command = ["ansible-playbook", "-i", "hosts.yml", f"meshops.mesh.{playbook}", *arguments]
        env = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120)
        assert "Traceback" not in done.stdout + done.stderr
        written = {path.name: path.read_text() for path in tmp_path.iterdir() if path.name != "hosts.yml"}
        return done.stdout, written

    return play


def verify(played, tmp_path, **variables):
    files = {f"verify_{name}": str(tmp_path / name) for name in ("evidence", "metrics")}
    output, written = played("verify", "-e", json.dumps(files), **variables)
    return output, json.loads(written["evidence"]), written["metrics"]


def test_all_of_them_are_looked_at(played, two, tmp_path):
    planes = [{"namespace": name, "revision": name} for name in (*two, two[0])]
    gone = {"namespace": "nowhere", "revision": "gone", "state": "absent"}
    output, told, metrics = verify(played, tmp_path, control_plane_list=[*planes, gone])
    assert {(item["revision"], item["namespace"]) for item in told["revisions"]} == {(name, name) for name in two}
    proven = [item["about"] for item in told["evidence"] if item["text"] == "is scaled to 0 replicas"]
    assert proven == [f"revision {name}" for name in (*two, two[0])]
    assert [f'revision="{name}",version="1.31.0"}} 0' in metrics for name in two] == [True, True]
    assert f"control-plane: revision {two[0]}: is scaled to 0 replicas" in output


def test_one_that_is_not_where_it_is_declared(played, two, tmp_path):
    planes = [{"namespace": two[0], "revision": two[0]}, {"namespace": two[0], "revision": two[1]}]
    _output, told, _metrics = verify(played, tmp_path, control_plane_list=planes)
    found = {item["about"]: item["text"] for item in told["evidence"] if item["hop"] == "control-plane"}
    assert found[f"revision {two[1]}"] == "is not installed"


def test_none_is_needed_and_gateways_are_told_apart(played, cluster, two, tmp_path):
    ports = {"ports": [{"port": 80, "protocol": "TCP"}]}
    metadata = {"name": "edge", "namespace": two[0], "labels": {"istio": "edge"}}
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": ports}, "them")
    gateways = [{"name": "edge", "namespace": name} for name in two]
    _output, told, _metrics = verify(played, tmp_path, gateway_list=[*gateways, {"name": f"edge-{two[0]}"}])
    found = {item["about"]: item["passed"] for item in told["evidence"] if item["hop"] == "gateway"}
    wanted = {f"gateway {two[0]}/edge": True, f"gateway {two[1]}/edge": False}
    assert wanted.items() <= found.items()
    assert found[f"gateway istio-ingress/edge-{two[0]}"] is False


def test_rbac_allows_to_try_all_of_them(played, two, tmp_path):
    charts = {"path": "/nonexistent"}  # what is to be absent is not rendered
    planes = [{"namespace": name, "revision": name, "charts": charts, "state": "absent"} for name in two]
    _output, written = played(
        "rbac", "-e", json.dumps({"rbac_file": str(tmp_path / "roles")}), control_plane_list=planes
    )
    tried = {
        obj["metadata"]["namespace"]
        for obj in yaml.safe_load_all(written["roles"])
        for rule in obj.get("rules", ())
        if obj["kind"] == "Role" and rule.get("resourceNames") == ["meshops-proof"] and "pods" in rule["resources"]
    }
    assert tried == set(two)
