# SPDX-License-Identifier: Apache-2.0
"""mesh.yaml with files beside it: both fronts bring the same about."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
import yaml
from pulumi import automation

import pulumi_mesh as mesh

from .conftest import API
from .programs import config_map

KIND = "ConfigSet"


@pytest.fixture
def place(lab, namespace, tmp_path):
    """A mesh.yaml of one set on the API server, and files."""
    (tmp_path / "rules" / "deep").mkdir(parents=True)
    (tmp_path / "rules" / "deep" / "b.yaml").write_text(yaml.safe_dump(config_map("b", level="info")))
    (tmp_path / "rules" / "a.yml").write_text(yaml.safe_dump_all([config_map("a", level="info"), config_map("c")]))
    (tmp_path / "vaulted.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    (tmp_path / "wrong.yml").write_text("kind: ConfigMap\n")

    def written(src):
        item = {"name": "traffic", "namespace": namespace, "src": src, "objects": [config_map("own")]}
        clusters = {API: {"kubeconfig": str(lab.kubeconfig), "context": API}}
        path = tmp_path / "mesh.yaml"
        declared = {"plugin": "meshops.mesh.declaration", "clusters": clusters, "config_set": [item]}
        path.write_text(yaml.safe_dump(declared))
        return path

    return written


def played(path):
    """What `site` changes on the cluster."""
    command = ["ansible-playbook", "-i", str(path), "meshops.mesh.site"]
    env = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=path.parent, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"changed=(\d+)", done.stdout)[1])


def test_both_fronts_read_the_same_files(cluster, namespace, stack, place):
    path = place(["rules"])

    def program():
        mesh.Mesh.from_file("m", path)

    assert stack.run("up", program).of(KIND) == {"create": 1}
    for name in ("own", "a", "b", "c"):
        assert cluster.get("v1", "ConfigMap", namespace, name)
    assert not stack.run("up", program).changed
    assert played(path) == 0

    (path.parent / "rules" / "deep" / "b.yaml").unlink()
    assert stack.run("up", program).of(KIND) == {"update": 1}
    assert cluster.get("v1", "ConfigMap", namespace, "b") is None
    assert played(path) == 0
    stack.run("destroy", program)


@pytest.mark.parametrize(
    ("src", "told"),
    [
        ("none", r"config_set\[0\].src: no file matches none \(looked in "),
        ("wrong.yml", r"wrong.yml:1: has no apiVersion"),
        ("vaulted.yml", r"vaulted.yml: is encrypted by Ansible Vault, and only tasks of Ansible read such files"),
    ],
)
def test_what_is_wrong_is_one_line(stack, place, src, told):
    path = place(src)
    with pytest.raises(automation.CommandError, match=told) as caught:
        stack.run("preview", lambda: mesh.Mesh.from_file("m", path))
    assert "Traceback" not in str(caught.value)
