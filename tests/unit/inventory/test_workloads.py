# SPDX-License-Identifier: Apache-2.0
"""Hosts outside Kubernetes as an inventory, where no cluster answers; see tests/api/test_inventory.py for the rest."""

from __future__ import annotations

import os

import pytest
import yaml

from .reading import listed, read

SECRET = "a-token-that-nobody-sees"
AWAY = yaml.safe_dump(
    {
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("onprem", "cloud")],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": SECRET}}],
    }
)

#: Options, and what is said of them.
MISTAKES = [
    ("context: nowhere", "nowhere: context nowhere: there is no context nowhere in the kubeconfig"),
    ("kubeconfig: /nonexistent", "cluster: /nonexistent: there is no such kubeconfig file"),
    ("contexts: ['*']\nkubeconfig: /nonexistent", "/nonexistent: there is no such kubeconfig file"),
    ("contexts: ['*']\nkubeconfig: {a: b}", "kubeconfig: must be a path where contexts are chosen by patterns"),
    ("clustrs: []", "clustrs: is not an option (did you mean clusters?)"),
    ("clusters: [onprem]", "clusters[0]: must be a map with a name"),
    ("clusters: [{context: onprem}]", "clusters[0]: must be a map with a name"),
    ("clusters: [{name: a}, {name: b, contxt: x}]", "clusters[1].contxt: is not an option (did you mean context?)"),
    ("clusters: [{name: a}, {name: a}]", "clusters: two clusters are named a"),
    ("namespaces: [Shop]", "namespaces: must hold DNS labels only, and 'Shop' is none"),
    ("workload_groups: [a/b/c]", "workload_groups: must hold names of objects, alone or as namespace/name, and"),
    ("verify_ssl: perhaps", "not a valid boolean"),
    ("clusters: [{name: far, verify_ssl: perhaps}]", "far: argument 'validate_certs'"),
]


@pytest.fixture
def inventory(tmp_path):
    """Writes the inventory, and a kubeconfig of clusters that are away beside it."""

    def write(text="", file="workloads.yml"):
        (tmp_path / "away").write_text(AWAY)
        path = tmp_path / file
        path.write_text(f"plugin: meshops.mesh.workloads\n{text}\n")
        return path

    return write


def test_what_is_wrong_is_said_in_one_line(inventory, tmp_path):
    """All in one run of Ansible, which names the files."""
    paths = [inventory(text, f"{number}-workloads.yml") for number, (text, _) in enumerate(MISTAKES)]
    done = listed(*paths, KUBECONFIG=str(tmp_path / "away"))
    output = " ".join(done.stderr.split())
    for number, (_, told) in enumerate(MISTAKES):
        assert f"{number}-workloads.yml" in output
        assert told in output, done.stderr
    assert "Traceback" not in output
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("variables", [{"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}])
def test_a_cluster_that_is_away_is_an_error(inventory, variables):
    done = listed(inventory("clusters: [{name: far, kubeconfig: away, context: cloud}]"), **variables)
    assert "far: " in done.stderr
    assert "127.0.0.1" in done.stderr
    assert (done.returncode != 0, "Traceback" in done.stderr, SECRET in done.stderr) == (True, False, False)


def test_or_a_warning(inventory):
    text = "clusters: [{name: far, context: cloud}, {name: farther, context: onprem}]\nkubeconfig: away"
    path = inventory(f"{text}\nstrict_clusters: false")
    done = listed(path, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true", **_wide())
    assert done.returncode == 0
    assert [name for name in ("far: ", "farther: ") if f"meshops.mesh.workloads: {name}" in done.stderr] == [
        "far: ",
        "farther: ",
    ]
    assert read(path)["_meta"]["hostvars"] == {}


def test_a_pattern_that_matches_nothing_is_told(inventory):
    done = listed(inventory("kubeconfig: away\ncontexts: [clod-*]"), **_wide())
    assert "no context matches clod-*" in " ".join(done.stderr.split())
    assert done.returncode == 0


def _wide():
    """Warnings are not broken into lines."""
    return {**os.environ, "COLUMNS": "500"}
