# SPDX-License-Identifier: Apache-2.0
"""Playbook render, which asks no cluster: there is none here."""

from __future__ import annotations

import os
import re
import subprocess

import yaml

RULE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "a"},
    "spec": {"host": "a"},
}
SETS = [
    {"name": "kept", "namespace": "shop", "objects": [RULE]},
    {"name": "gone", "namespace": "shop", "state": "absent"},
]
HOSTS = {"mesh_clusters": {"hosts": {"onprem": {"ansible_connection": "local"}}}}


def played(directory, sets, *arguments):
    (directory / "hosts.yml").write_text(yaml.safe_dump(HOSTS))
    (directory / "vars.yml").write_text(yaml.safe_dump({"config_set_list": sets}))
    command = ["ansible-playbook", "-i", "hosts.yml", "meshops.mesh.render", "-e", "@vars.yml", *arguments]
    env = {**os.environ, "KUBECONFIG": os.devnull, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def changed(output):
    return int(re.search(r"^onprem .*changed=(\d+)", output, re.MULTILINE)[1])


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_a_directory_that_is_relative_is_kept(tmp_path):
    assert changed(played(tmp_path, SETS, "-e", "render_dest=out"))
    written = [
        "onprem/images.txt",
        "onprem/shop/config-kept/destinationrule.networking.istio.io_shop_a.yaml",
        "onprem/shop/config-kept/kustomization.yaml",
    ]
    assert files(tmp_path / "out") == written
    output = played(tmp_path, SETS, "-e", "render_dest=out")
    assert changed(output) == 0
    assert "no longer declared: " not in output

    # What leaves the declaration is named, and left to its owner; so is what nothing is known of.
    output = played(tmp_path, [], "-e", "render_dest=out")
    assert f"no longer declared: {tmp_path}/out/onprem/shop/config-kept" in output
    assert files(tmp_path / "out") == written
    assert "no longer declared: " not in played(tmp_path, [], "-e", "render_dest=out", "--skip-tags", "gateway")


def test_a_mesh_file_with_files_beside_it(tmp_path):
    """One of them is vaulted; what is wrong in another is told with its place."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "password").write_text("open")
    for name in ("plain", "vaulted"):
        (tmp_path / "rules" / f"{name}.yml").write_text(yaml.safe_dump({**RULE, "metadata": {"name": name}}))
    env = {**os.environ, "KUBECONFIG": os.devnull, "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password")}

    def run(*command):
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)

    assert run("ansible-vault", "encrypt", "rules/vaulted.yml").returncode == 0
    mesh = {"plugin": "meshops.mesh.declaration", "clusters": {"onprem": None}}
    item = {"name": "kept", "namespace": "shop", "src": "rules/*.yml", "objects": [RULE]}
    (tmp_path / "mesh.yaml").write_text(yaml.safe_dump({**mesh, "config_set": [item]}))
    play = ("ansible-playbook", "-i", "mesh.yaml", "meshops.mesh.render", "-e", f"render_dest={tmp_path}/out")
    done = run(*play)
    assert done.returncode == 0, done.stdout + done.stderr
    written = [name for name in files(tmp_path / "out") if "destinationrule" in name]
    assert [name.rpartition("_")[2] for name in written] == ["a.yaml", "plain.yaml", "vaulted.yaml"]

    (tmp_path / "rules" / "wrong.yml").write_text("\nkind: DestinationRule\n")
    assert "rules/wrong.yml:2: has no apiVersion" in run(*play).stdout
