# SPDX-License-Identifier: Apache-2.0
"""Objects from files and templates, and declarations as directories, by real playbooks that need no cluster."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml

RULE = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: {}}}\nspec: {{host: {}}}\n"


def rule(name):
    return RULE.format(name, name)


@pytest.fixture(name="project")
def project_(tmp_path):
    """A playbook's directory with files and templates; ``play(**options)`` gives the task's result."""
    (tmp_path / "files" / "rules" / "deep").mkdir(parents=True)
    (tmp_path / "templates").mkdir()
    (tmp_path / "files" / "rules" / "b.yml").write_text(f"# rules\n{rule('b')}---\n{rule('c')}")
    (tmp_path / "files" / "rules" / "deep" / "a.json").write_text(json.dumps(yaml.safe_load(rule("a"))))
    (tmp_path / "files" / "rules" / "notes.txt").write_text("nothing of ours")
    (tmp_path / "templates" / "t.yml.j2").write_text("{% for n in names %}\n" + rule("{{ n }}") + "---\n{% endfor %}")
    (tmp_path / "files" / "wrong.yml").write_text(f"{rule('x')}---\n\nkind: DestinationRule\n")
    (tmp_path / "files" / "shape.yml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, labels: {applyset.kubernetes.io/part-of: x}}\n"
    )
    return tmp_path


def play(project, operation="config_set", check=False, **options):
    rendering = {} if operation == "rbac" else {"state": "rendered", "dest": "out"}
    task = {
        f"meshops.mesh.{operation}": {
            **({"name": "x", "namespace": "shop"} if operation == "config_set" else {}),
            **rendering,
            **options,
        },
        "register": "done",
        "ignore_errors": True,
    }
    shown = {"ansible.builtin.copy": {"content": "{{ done | to_json }}", "dest": "result.json"}, "check_mode": False}
    playbook = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"names": ["t1", "t2"]},
            "tasks": [task, shown],
        }
    ]
    (project / "play.yml").write_text(yaml.safe_dump(playbook))
    command = ["ansible-playbook", "play.yml", *(["--check", "--diff"] if check else [])]
    env = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_DEPRECATION_WARNINGS": "true"}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DEPRECATION" not in done.stderr + done.stdout
    return json.loads((project / "result.json").read_text())


def written(project):
    return sorted(
        yaml.safe_load(path.read_text())["metadata"]["name"]
        for path in (project / "out").rglob("*.yaml")
        if path.name != "kustomization.yaml"
    )


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"src": ["rules"]}, ["a", "b", "c"]),
        ({"src": ["rules/*.yml"]}, ["b", "c"]),
        ({"src": "rules/**/*.json"}, ["a"]),
        ({"src": ["files/rules/b.yml"]}, ["b", "c"]),
        ({"template": ["t.yml.j2"]}, ["t1", "t2"]),
        ({"template": ["templates"]}, ["t1", "t2"]),
        ({"definition": yaml.safe_load(rule("d"))}, ["d"]),
        ({"definition": [yaml.safe_load(rule("d")), yaml.safe_load(rule("e"))]}, ["d", "e"]),
        ({"definition": rule("d") + "---\n" + rule("e")}, ["d", "e"]),
        (
            {"objects": [yaml.safe_load(rule("o"))], "src": ["rules/b.yml"], "template": ["t.yml.j2"]},
            ["b", "c", "o", "t1", "t2"],
        ),
    ],
)
def test_objects_come_from_everywhere(project, options, names):
    done = play(project, **options)
    assert not done["failed"], done
    assert written(project) == names


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"src": ["none.yml"]}, "src: no file matches none.yml (looked in "),
        ({"src": ["wrong.yml"]}, "files/wrong.yml:7: has no apiVersion"),
        ({"src": ["rules/b.yml", "rules"]}, "DestinationRule shop/b: is declared twice"),
        (
            {"src": ["rules/b.yml", "shape.yml"]},
            "files/shape.yml:1: localhost: objects[2] ConfigMap m: carries the label",
        ),
        ({"template": ["t.yml.j2"], "query": "files["}, "query: is no JMESPath expression"),
        ({"src": 5}, "src: must be a list of paths"),
        ({"definition": {"kind": "ConfigMap"}}, "localhost: definition: has no apiVersion"),
        ({"definition": [{"apiVersion": "v1", "kind": "A"}]}, "localhost: definition[0]: has no metadata.name"),
        ({"definition": "just words"}, "localhost: definition:1: is not an object"),
        ({"objects": {"kind": "A"}, "src": ["rules"]}, "objects: must be a list"),
        ({"src": ["rules"], "dest": None}, "dest: is required for state rendered"),
        ({"src": ["rules"], "kubernetes_version": "new"}, "kubernetes_version: must be a version"),
        ({"template": ["none.j2"]}, "template: no file matches none.j2"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(project, options, told):
    done = play(project, **options)
    assert done["failed"]
    assert told in done["msg"]
    assert "\n" not in done["msg"]
    assert not (project / "out").exists()


def test_a_directory_is_kept(project):
    first = play(project, src=["rules"], query="files | length(@)")
    assert (first["changed"], first["queried"]) == (True, 4)
    assert not play(project, src=["rules"])["changed"]

    looked = play(project, check=True, src=["rules/b.yml"])
    assert looked["changed"]
    assert written(project) == ["a", "b", "c"]
    leaving = "shop/config-x/destinationrule.networking.istio.io_shop_a.yaml"
    assert [side["before_header"] for side in looked["diff"]] == ["shop/config-x/kustomization.yaml", leaving]

    (project / "out" / "shop" / "config-x" / "mine.yaml").write_text(rule("mine"))
    assert play(project, src=["rules/b.yml"])["changed"]
    assert written(project) == ["b", "c", "mine"]


def test_two_injections_do_not_share_a_directory(project):
    play(project, "injection", namespaces=["shop"])
    play(project, "injection", namespaces=["bank"])
    assert written(project) == ["bank", "shop"]


def test_secrets_stay_out(project):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"password": "geheimes-wort"},
    }
    done = play(project, check=True, objects=[secret])
    assert done["secrets"] == [{"namespace": "shop", "name": "s", "keys": ["password"]}]
    assert "geheimes-wort" not in json.dumps(done)


def test_rbac_reads_the_same_files(project):
    """As far as it comes without a cluster: the file's mistake is found first."""
    done = play(project, "rbac", declarations=[{"config_set": [{"name": "x", "namespace": "n", "src": ["wrong.yml"]}]}])
    assert "files/wrong.yml:7: has no apiVersion" in done["msg"]
