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
