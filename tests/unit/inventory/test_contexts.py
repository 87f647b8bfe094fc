# SPDX-License-Identifier: Apache-2.0
"""Contexts of kubeconfigs as an inventory, read by Ansible itself."""

from __future__ import annotations

import os

import pytest
import yaml

from .reading import listed, read

EKS = "arn:aws:eks:eu-west-1:123456789012:cluster/prod"
GKE = "gke_shop-project_europe-west1_prod"
SECRET = "a-token-that-nobody-sees"


def kubeconfig(*contexts, **parts):
    """A kubeconfig with a cluster and a user for each context, and no current context."""
    return yaml.safe_dump(
        {
            "contexts": [{"name": c, "context": {"cluster": f"{c}-c", "user": f"{c}-u", **parts}} for c in contexts],
            "clusters": [{"name": f"{c}-c", "cluster": {"server": "https://127.0.0.1:1"}} for c in contexts],
            "users": [{"name": f"{c}-u", "user": {"token": SECRET}} for c in contexts],
        }
    )


@pytest.fixture
def inventory(tmp_path):
    """Writes the inventory and the kubeconfigs beside it."""

    def write(text="", file="contexts.yml", **kubeconfigs):
        for name, content in kubeconfigs.items():
            (tmp_path / name).write_text(content)
        path = tmp_path / file
        path.write_text(f"plugin: meshops.mesh.contexts\n{text}")
        return path

    return write


def hosts(found):
    return found.get("mesh_clusters", {}).get("hosts", [])


def test_a_context_is_a_host_with_what_reaches_the_cluster(inventory, tmp_path):
    """And no more: nothing of credentials. What looks like a template is data."""
    found = read(inventory("kubeconfig: a", a=kubeconfig("onprem", "cloud", namespace="{{ 1 + 1 }}")))
    assert hosts(found) == ["onprem", "cloud"]
    assert found["_meta"]["hostvars"]["cloud"] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "mesh_cluster": "cloud-c",
        "mesh_context": "cloud",
        "mesh_kubeconfig": str(tmp_path / "a"),
        "mesh_namespace": "{{ 1 + 1 }}",
        "mesh_user": "cloud-u",
    }


#: Options, and the hosts that they give.
CHOICES = [
    ("", ["onprem", EKS, GKE, "test-1", "test-2"]),
    ("contexts: [test-*, onprem]", ["onprem", "test-1", "test-2"]),
    ("exclude: [test-*, 'arn:*']", ["onprem", GKE]),
    ("contexts: [test-?]\nexclude: [test-1]", ["test-2"]),
    ("contexts: ['arn:*']\nname: mesh_context.split('/') | last", ["prod"]),
    ("contexts: ['gke_*']\nname: mesh_context.split('_')[2:] | reverse | join('-')", ["prod-europe-west1"]),
    ("contexts: [onprem]\nname: mesh_cluster ~ '.' ~ mesh_user", ["onprem-c.onprem-u"]),
]


def test_which_contexts_and_by_what_names(inventory):
    """All in one run of Ansible: a group tells what came of which file."""
    content = kubeconfig("onprem", EKS, GKE, "test-1", "test-2")
    common = "kubeconfig: a\ngroups: {{case_{0}: 'true'}}\n{1}\n"
    paths = [inventory(common.format(n, text), f"{n}-contexts.yml", a=content) for n, (text, _) in enumerate(CHOICES)]
    found = read(*paths)
    assert [found[f"case_{number}"]["hosts"] for number in range(len(CHOICES))] == [names for _, names in CHOICES]


@pytest.fixture
def three(inventory, tmp_path):
    """Kubeconfigs that tell their own names by the namespace of their contexts: a, b, and the one at home."""
    contents = {
        "a": kubeconfig("both", namespace="a-file"),
        "b": kubeconfig("both", "only-b", namespace="b-file"),
        "home": kubeconfig("home", namespace="home-file"),
    }
    inventory("", **contents)
    (tmp_path / ".kube").mkdir()
    (tmp_path / "home").rename(tmp_path / ".kube" / "config")
    return tmp_path


def told_by(found):
    """Host -> name of the kubeconfig, by its namespace; paths have to be whole."""
    variables = found["_meta"]["hostvars"]
    assert all(
        part.startswith("/") for host in variables.values() for part in host["mesh_kubeconfig"].split(os.pathsep)
    )
    return {name: host["mesh_namespace"].removesuffix("-file") for name, host in variables.items()}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"KUBECONFIG": "{0}/a:{0}/b:{0}/missing"}, {"both": "a", "only-b": "b"}),
        ({"KUBECONFIG": "{0}/a", "K8S_AUTH_KUBECONFIG": "{0}/b"}, {"both": "b", "only-b": "b"}),
        ({"KUBECONFIG": "", "HOME": "{0}"}, {"home": "home"}),
    ],
)
def test_which_kubeconfigs_by_variables(inventory, three, variables, expected):
    found = read(inventory(), **{name: value.format(three) for name, value in variables.items()})
    assert told_by(found) == expected


#: Paths, and for each host the kubeconfig that it came from.
PATHS = [
    ("b", {"both": "b", "only-b": "b"}),
    ("$HERE/a", {"both": "a"}),
    ("~/a", {"both": "a"}),
    ("b:a:missing", {"both": "b", "only-b": "b"}),
    ("[a, ~/.kube/config]", {"both": "a", "home": "home"}),
]


def test_which_kubeconfigs_by_paths(inventory, three):
    common = "kubeconfig: {1}\nname: \"'{0}-' ~ mesh_context\"\n"
    paths = [inventory(common.format(n, given), f"{n}-contexts.yml") for n, (given, _) in enumerate(PATHS)]
    found = read(*paths, KUBECONFIG="/nonexistent", HERE=str(three), HOME=str(three))
    assert told_by(found) == {f"{n}-{host}": name for n, (_, hosts) in enumerate(PATHS) for host, name in hosts.items()}


def test_contexts_of_one_name_in_several_kubeconfigs(inventory, three):
    path = inventory("kubeconfig: [a, b]\nname: (mesh_kubeconfig | basename) ~ '-' ~ mesh_context\n")
    assert told_by(read(path)) == {"a-both": "a", "b-both": "b", "b-only-b": "b"}


def test_what_is_composed(inventory):
    options = """\
kubeconfig: a
name: mesh_context.split('/') | last
compose:
  mesh_network: mesh_context.split(':')[3]
groups:
  production: mesh_context.endswith('/prod')
keyed_groups:
  - {prefix: region, key: mesh_network}
strict: true
"""
    found = read(inventory(options, a=kubeconfig(EKS)))
    assert found["_meta"]["hostvars"]["prod"]["mesh_network"] == "eu-west-1"
    assert (found["production"]["hosts"], found["region_eu_west_1"]["hosts"]) == (["prod"], ["prod"])


#: Options, the kubeconfig a, and what is said of them.
MISTAKES = [
    ("kubeconfig: /nonexistent", "", "/nonexistent: there is no such kubeconfig file (check kubeconfig, or the"),
    ("kubeconfig: a", "text", ": is not a kubeconfig"),
    ("kubeconfig: a", f"users: [{SECRET}\n{SECRET}: x\n", ": is not YAML: "),
    ("kubeconfig: a", "contexts: 7", ": contexts must be a list"),
    ("kubeconfig: a", "contexts: [{name: a}, {name: 7}]", ": contexts[1]: has no name that is a text"),
    ("kubeconfig: a\ncontexts: [a, 1.10]", kubeconfig("b"), "contexts[1]: must be a string, not a number; quote it"),
    ("kubeconfig: a\nexclude: [no]", kubeconfig("b"), "exclude[0]: must be a string, not a boolean; quote it"),
    ("kubeconfg: a", "", "kubeconfg: is not an option (did you mean kubeconfig?)"),
    (
        "kubeconfig: a\nname: mesh_context | truncate(1, true, '', 0)",
        kubeconfig("b1", "b2"),
        "name: two contexts are named b: b1 of ",
    ),
    ("kubeconfig: a\nname: mesh_cntext", kubeconfig("b"), "name: 'mesh_cntext' is undefined for context b (give a"),
    ("kubeconfig: a\nname: mesh_context | nothing", kubeconfig("b"), "'nothing'"),
    ("kubeconfig: a\nname: \"''\"", kubeconfig("b"), "name: gives no text for context b"),
    ("kubeconfig: a\nstrict: true\ncompose: {x: nothing.there}", kubeconfig("b"), "Could not set x for host b"),
]


def test_what_is_wrong_is_said_in_one_line(inventory):
    """All in one run of Ansible, which names the files."""
    paths = [
        inventory(
            f"{text.replace('kubeconfig: a', f'kubeconfig: a{number}')}\n",
            f"{number}-contexts.yml",
            **{f"a{number}": content},
        )
        for number, (text, content, _) in enumerate(MISTAKES)
    ]
    done = listed(*paths)
    output = " ".join(done.stderr.split())
    for _, _, told in MISTAKES:
        assert told in output, done.stderr
    assert "Traceback" not in output
    assert SECRET not in done.stdout + done.stderr


def test_a_pattern_that_matches_nothing_is_told(inventory):
    done = listed(inventory("kubeconfig: a\ncontexts: [onprem, clod-*]\n", a=kubeconfig("onprem")))
    assert "no context matches clod-*" in " ".join(done.stderr.split())
    assert done.returncode == 0
