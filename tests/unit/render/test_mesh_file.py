# SPDX-License-Identifier: Apache-2.0
"""mesh.yaml and the files beside it: what is in them, and where they are wrong."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError
from mesh.operations.registry import OPERATIONS
from mesh.render.mesh_file import load, members, plain_objects, read_file, with_objects

MESH = """\
clusters: {{onprem: , cloud: {{config_set: []}}}}
config_set:
  - {{name: traffic, namespace: shop, src: {}, objects: [{{apiVersion: v1, kind: ConfigMap, metadata: {{name: own}}}}]}}
"""


def config_map(name):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with brackets in its name, from which files are named; one is somewhere else."""
    here = tmp_path / "a[b]" / "mesh"
    (here / "rules").mkdir(parents=True)
    (here / "rules" / "two.yaml").write_text(f"{config_map('two')}---\n{config_map('three')}")
    (here / "rules" / "one.yaml").write_text(config_map("one"))
    (here / "wrong.yaml").write_text(f"{config_map('x')}---\n\nkind: ConfigMap\n")
    (here / "vaulted.yaml").write_text("$ANSIBLE_VAULT;1.1;AES256\n3132\n")
    (tmp_path / "far.yaml").write_text(config_map("far"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return here


def written(place, src):
    (place / "mesh.yaml").write_text(MESH.format(src))
    return str(place / "mesh.yaml")


def names(path):
    """Of the objects that each cluster gets."""
    return {
        member.name: [
            obj["metadata"]["name"]
            for options in with_objects(member, plain_objects).of("config_set")
            for obj in options["objects"]
        ]
        for member in read_file(path, OPERATIONS)
    }


@pytest.mark.parametrize(
    ("src", "found"),
    [
        ("rules", ["one", "two", "three"]),
        ("[rules/two.yaml, rules/one.yaml]", ["two", "three", "one"]),
        ("rules/t*.yaml", ["two", "three"]),
        ("['~/far.yaml']", ["far"]),
        ("../../far.yaml", ["far"]),
        ("[]", []),
        ("null", []),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_files_are_named_from_where_the_mesh_is(place, monkeypatch, src, found, relative):
    path = written(place, src)
    if relative:
        monkeypatch.chdir(place)
        path = "mesh.yaml"
    assert names(path) == {"onprem": ["own", *found], "cloud": []}


def test_paths_are_made_absolute_and_nothing_is_read_yet(place):
    onprem, _cloud = read_file(written(place, "[rules, wrong.yaml]"), OPERATIONS)
    (options,) = onprem.of("config_set")
    assert options["src"] == [str(place / name) for name in ("rules/one.yaml", "rules/two.yaml", "wrong.yaml")]
    assert [obj["metadata"]["name"] for obj in options["objects"]] == ["own"]


@pytest.mark.parametrize("more", [{}, {"src": None}])
def test_a_set_without_files_gets_no_objects(more):
    item = {"name": "a", "namespace": "b"}
    (member,) = members({"clusters": {"c": None}, "config_set": [{**item, **more}]}, OPERATIONS, ".")
    assert with_objects(member, plain_objects).of("config_set") == [item]


@pytest.mark.parametrize(
    ("src", "told"),
    [
        ("5", "a[b]/mesh/mesh.yaml: config_set[0].src: must be a list of paths"),
        ("[rules, 5]", "a[b]/mesh/mesh.yaml: config_set[0].src: must be a list of paths"),
        ("{a: b}", "a[b]/mesh/mesh.yaml: config_set[0].src: must be a list of paths"),
        ("rulez", "a[b]/mesh/mesh.yaml: config_set[0].src: no file matches rulez (looked in {place})"),
        ("wrong.yaml", "a[b]/mesh/wrong.yaml:6: has no apiVersion"),
        (
            "vaulted.yaml",
            "a[b]/mesh/vaulted.yaml: is encrypted by Ansible Vault, and only tasks of Ansible read such files "
            "(decrypt it, or let Ansible bring it about)",
        ),
        ("a, src: b", "a[b]/mesh/mesh.yaml:3: not YAML: a key is there twice"),
        ("]", "a[b]/mesh/mesh.yaml:3: not YAML: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(place, src, told):
    path = written(place, src)
    with pytest.raises(MeshError) as caught:
        names(path)
    assert str(caught.value).startswith(told.replace("{place}", str(place)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "must hold one document, not 0"),
        (b"{}\n---\n{}\n", "must hold one document, not 2"),
        (b"\xff\xfe", "is no text"),
    ],
)
def test_what_is_no_mesh(tmp_path, content, told):
    path = tmp_path / "mesh.yaml"
    path.write_bytes(content)
    with pytest.raises(MeshError, match=told):
        load(str(path))
    with pytest.raises(MeshError, match="No such file"):
        load(str(tmp_path / "none.yaml"))


def test_only_sets_of_objects_take_files():
    declared = {"clusters": {"a": None}, "gateway": [{"name": "x", "version": "1.31.0", "src": "y"}]}
    with pytest.raises(MeshError) as caught:
        members(declared, OPERATIONS, ".")
    assert (caught.value.where, caught.value.msg) == ("gateway[0].src", "is not an option")


def test_what_holds_itself_is_refused(place):
    (place / "mesh.yaml").write_text("clusters: {a: }\ncontrol_plane: [&x {version: 1.31.0, values: *x}]\n")
    with pytest.raises(MeshError, match=r"mesh\.yaml: something in it holds itself"):
        read_file(str(place / "mesh.yaml"), OPERATIONS)


def test_kubeconfigs_start_where_the_file_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / "mesh.yaml").write_text("clusters: {a: {kubeconfig: one:~/two:/three}, b: {context: b}}\n")
    found = read_file(str(tmp_path / "mesh.yaml"), OPERATIONS)
    assert [member.connection.kubeconfig for member in found] == [f"{tmp_path}/one:/home/me/two:/three", None]
