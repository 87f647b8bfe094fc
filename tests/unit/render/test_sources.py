# SPDX-License-Identifier: Apache-2.0
"""Which files a path means, and the places of objects in them."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError
from mesh.render.sources import files, objects_in, shown

RULE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("b.yml", "a.json", "deep/c.yaml", "deep/d[1].yaml", "notes.txt", ".hidden.yaml", "[x]/e.yaml"):
        path = tmp_path / "rules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RULE)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("rules/b.yml", ["rules/b.yml"]),
        ("rules/notes.txt", ["rules/notes.txt"]),
        (
            "rules",
            ["rules/[x]/e.yaml", "rules/a.json", "rules/b.yml", "rules/deep/c.yaml", "rules/deep/d[1].yaml"],
        ),
        ("rules/*.yml", ["rules/b.yml"]),
        ("rules/dee*", ["rules/deep/c.yaml", "rules/deep/d[1].yaml"]),
        ("rules/deep/**", ["rules/deep/c.yaml", "rules/deep/d[1].yaml"]),
        ("rules/deep/d[1].yaml", ["rules/deep/d[1].yaml"]),
        ("rules/[x]", ["rules/[x]/e.yaml"]),
        ("rules/[ab].*", ["rules/a.json", "rules/b.yml"]),
        ("empty", []),
        ("none.yml", []),
        ("none*", []),
    ],
)
def test_files(place, path, found):
    assert sorted(files(path)) == sorted(found)


def test_other_endings(place):
    assert files("rules", (".txt",)) == ["rules/notes.txt"]


def test_places_are_told_from_here(place, tmp_path_factory):
    far = tmp_path_factory.mktemp("far") / "a.yml"
    assert shown(str(place / "rules" / "b.yml")) == "rules/b.yml"
    assert shown(str(far)) == str(far)
    told = objects_in(str(place / "rules" / "b.yml"), f"{RULE}---\n\n{RULE}")
    assert [where for where, _obj in told] == ["rules/b.yml:1", "rules/b.yml:6"]
    with pytest.raises(MeshError) as caught:
        objects_in(str(far), "kind: A\n")
    assert str(caught.value) == f"{far}:1: has no apiVersion"
