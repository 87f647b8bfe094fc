# SPDX-License-Identifier: Apache-2.0
"""The collection as a user gets it: the tarball installed into a path where nothing else of ours is."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
import yaml

from tests.collection import COLLECTIONS, KUBERNETES, OURS, ROOT, build

#: Nobody listens there.
AWAY = "https://127.0.0.1:1"
_FAILED = re.compile(r"^f(?:atal|ailed): \[(\w+)\].*? => (\{.*\})$", re.MULTILINE)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A collections path with this collection and, in place of what Galaxy would add, kubernetes.core."""
    place = tmp_path_factory.mktemp("installed")
    collections = place / "collections"
    archive = build(place / "dist")
    command = ["ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", str(collections)]
    subprocess.run([*command, str(archive)], check=True, capture_output=True, env=environment(collections), timeout=300)
    (collections / KUBERNETES).symlink_to(COLLECTIONS / KUBERNETES, target_is_directory=True)
    return collections


def environment(collections):
    home = str(collections.parent / "home")
    return {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_HOME": home, "ANSIBLE_NOCOLOR": "1"}


def run(installed, *command):
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env=environment(installed), cwd=installed
    )


def test_only_what_works_without_the_rest_is_installed(installed):
    """Ansible wants no more of a collection than these directories, and ours has nothing of Pulumi's beside them."""
    found = {path.name for path in (installed / OURS).iterdir()}
    assert {"meta", "playbooks", "plugins", "roles"} <= found
    assert found.isdisjoint({"examples", "lab", "pulumi_mesh", "requirements"})
    assert not list((installed / OURS).rglob("requirements.txt"))


def test_every_plugin_and_role_has_its_documentation(installed):
    done = run(installed, "ansible-doc", "--metadata-dump", "--no-fail-on-errors", "meshops.mesh")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["all"]
    for kind, directory in (("module", "plugins/modules"), ("inventory", "plugins/inventory"), ("role", "roles")):
        names = {f"meshops.mesh.{path.stem}" for path in (ROOT / directory).iterdir() if path.name[0] not in "._"}
        assert names == told[kind].keys(), kind
        assert [(name, doc["error"]) for name, doc in told[kind].items() if "error" in doc] == []


def test_a_cluster_that_is_away_is_one_line(installed, tmp_path):
    contexts = [{"name": name, "context": {"cluster": "away", "user": "nobody"}} for name in ("onprem", "cloud")]
    kubeconfig = {
        "contexts": contexts,
        "clusters": [{"name": "away", "cluster": {"server": AWAY}}],
        "users": [{"name": "nobody", "user": {"token": "x"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
    given = ["-i", str(ROOT / "examples" / "inventory"), "-e", f"mesh_kubeconfig={tmp_path / 'kubeconfig'}"]
    done = run(installed, "ansible-playbook", "meshops.mesh.site", "--check", *given)
    output = done.stdout + done.stderr
    assert done.returncode == 2, output
    assert "Traceback" not in output
    told = {host: json.loads(result)["msg"] for host, result in _FAILED.findall(output)}
    line = f"no answer from {AWAY}: Connection refused (check the address and that the cluster runs)"
    assert told == {name: f"{name}: {line}" for name in ("onprem", "cloud")}, output
