# SPDX-License-Identifier: Apache-2.0
"""mesh.yaml as an inventory, read by Ansible itself."""

from __future__ import annotations

import json
import re

import pytest

from .reading import listed, read

MESH = """\
plugin: meshops.mesh.declaration
clusters:
  onprem: {context: a, network: onprem-net}
  cloud: {context: b, kubeconfig: /etc/cloud}
control_plane:
  - version: 1.31.0
    mesh_config: {accessLogFormat: "{{ no template }}"}
injection:
  - namespaces: [shop]
"""


def test_clusters_are_hosts_with_the_variables_of_the_roles(tmp_path):
    path = tmp_path / "mesh.yaml"
    path.write_text(MESH)
    found = read(path)
    assert found["mesh_clusters"]["hosts"] == ["onprem", "cloud"]
    onprem, cloud = (found["_meta"]["hostvars"][name] for name in ("onprem", "cloud"))
    assert (onprem["mesh_context"], onprem["mesh_network"]) == ("a", "onprem-net")
    assert (cloud["mesh_context"], cloud["mesh_kubeconfig"]) == ("b", "/etc/cloud")
    assert [item["network"] for item in onprem["control_plane_list"]] == ["onprem-net"]
    assert "network" not in cloud["control_plane_list"][0]
    assert onprem["injection_list"] == [{"namespaces": ["shop"]}]
    # Data, not templates: both fronts must read the same.
    assert "no template" in json.dumps(onprem["control_plane_list"])


def test_files_of_sets_are_named_and_not_read(tmp_path):
    (tmp_path / "rules").mkdir()
    for name in ("b", "a"):
        (tmp_path / "rules" / f"{name}.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    path = tmp_path / "mesh.yaml"
    path.write_text(f"{MESH}config_set: [{{name: traffic, namespace: shop, src: rules/*}}]\n")
    onprem = read(path)["_meta"]["hostvars"]["onprem"]
    paths = [str(tmp_path / "rules" / name) for name in ("a.yml", "b.yml")]
    assert onprem["config_set_list"] == [{"name": "traffic", "namespace": "shop", "src": paths}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MESH.replace("namespaces", "namespace"), "injection[0].namespace: is not an option"),
        (MESH.replace("context: b", "contxt: b"), "clusters.cloud.contxt: is not an option"),
        (f"{MESH}injection: []\n", "mesh.yaml:1: not YAML: a key is there twice"),
        (f"{MESH}config_set: [{{name: a, namespace: b, src: none}}]\n", "config_set[0].src: no file matches none"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, text, told):
    path = tmp_path / "mesh.yaml"
    path.write_text(text)
    done = listed(path)
    assert told in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_what_is_no_yaml_is_told_with_its_line(tmp_path):
    """Where Ansible itself looks at it first, its words are what is said."""
    path = tmp_path / "mesh.yaml"
    path.write_text("plugin: meshops.mesh.declaration\nclusters: {a: [}\n")
    said = " ".join(listed(path).stderr.split())
    assert re.search(r"mesh\.yaml(:2|': line 2)", said), said
    assert "Traceback" not in said
