# SPDX-License-Identifier: Apache-2.0
"""Names that would lead elsewhere, end a quotation or fake a line: no option takes them."""

from __future__ import annotations

import ast
from pathlib import Path

import mesh
import pytest
from mesh.kube.discovery import Resource
from mesh.model.errors import MeshError
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

HOSTILE = {
    "path": "../../etc/x",
    "nul": "a\0b",
    "newline": "a\nb",
    "escape": "a\x1b[31mb",
    "long": "a" * 300,
    "cyrillic": "\u0430dmin",
    "quote": 'a"\n---\nkind: ClusterRoleBinding\n#',
    "document": "a\n---\nkind: ClusterRoleBinding",
    "template": "{{ lookup('pipe', 'id') }}",
    "shell": "a$(id)",
}
#: (operation, option, what else it needs)
OPTIONS = [
    *(("control_plane", name, {}) for name in ("revision", "namespace", "network", "cluster_name", "trust_domain")),
    *(("control_plane", name, {}) for name in ("hub", "tag", "version")),
    *(("gateway", name, {"name": "g"}) for name in ("name", "namespace", "revision", "network", "version")),
    *(("config_set", name, {"name": "s", "namespace": "n"}) for name in ("name", "namespace")),
    *(("revision_tag", name, {"tag": "t"}) for name in ("tag", "revision", "namespace")),
    ("injection", "revision", {"namespaces": ["n"]}),
]


#: Registries decide how long their names may be.
CASES = [
    (*option, how)
    for option in OPTIONS
    for how in HOSTILE
    if (option[1], how) not in (("hub", "long"), ("tag", "long"))
]


@pytest.mark.parametrize(("operation", "option", "others", "how"), CASES)
def test_names(operation, option, others, how):
    with pytest.raises(MeshError) as caught:
        parse(OPERATIONS[operation].spec, {**others, option: HOSTILE[how]})
    assert (caught.value.code, caught.value.where) == ("invalid_option", option)
    assert all(char.isprintable() for char in str(caught.value)), "control characters are shown, and not sent"


@pytest.mark.parametrize("how", [name for name in HOSTILE if name != "long"])
@pytest.mark.parametrize(
    ("operation", "data"),
    [
        ("control_plane", lambda text: {"images": {"pilot": text}}),
        ("control_plane", lambda text: {"image_pull_secrets": ["fine", text]}),
        ("gateway", lambda text: {"name": "g", "image_pull_secrets": [text]}),
        ("injection", lambda text: {"namespaces": [text]}),
    ],
)
def test_names_in_structs_and_lists(operation, data, how):
    with pytest.raises(MeshError) as caught:
        parse(OPERATIONS[operation].spec, data(HOSTILE[how]))
    assert caught.value.code == "invalid_option"
    assert all(char.isprintable() for char in str(caught.value))


@pytest.mark.parametrize(
    ("namespace", "name", "path"),
    [
        ("n", "a", "/api/v1/namespaces/n/things/a"),
        ("n", "system:a", "/api/v1/namespaces/n/things/system:a"),
        ("n", "a?dryRun=All#", "/api/v1/namespaces/n/things/a%3FdryRun%3DAll%23"),
        ("n", "a b\n", "/api/v1/namespaces/n/things/a%20b%0A"),
        ("n", "../x", None),
        ("n", "..", None),
        ("n", "a%2fb", None),
        ("../x", "a", None),
        ("a/b", "a", None),
    ],
)
def test_paths_to_objects(namespace, name, path):
    resource = Resource("", "v1", "Thing", "things", True)
    if path is None:
        with pytest.raises(MeshError, match="can be no name"):
            resource.path(namespace, name)
    else:
        assert resource.path(namespace, name) == path


def test_no_pattern_comes_from_a_user():
    """Regular expressions are compiled from literals (and from each other) when modules are loaded, never from data,
    but those of definitions, of which plan/patterns.py takes none that may run away."""
    inside = []
    for file in Path(mesh.__file__).parent.rglob("*.py"):
        for function in ast.walk(ast.parse(file.read_text())):
            if isinstance(function, ast.FunctionDef) and file.parts[-2:] != ("plan", "patterns.py"):
                inside += [
                    f"{file.name}: {ast.unparse(call)}"
                    for call in ast.walk(function)
                    if isinstance(call, ast.Call)
                    and ast.unparse(call.func).startswith("re.")
                    and not isinstance(call.args[0], ast.Constant)
                ]
    assert inside == []
