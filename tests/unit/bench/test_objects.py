# SPDX-License-Identifier: Apache-2.0
"""The objects that all contenders get."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml

from bench.objects import Files, changed, config_maps, istio, path


def test_kinds_in_equal_parts_under_names_of_their_own():
    objects = istio(300)
    assert set(Counter(obj["kind"] for obj in objects).values()) == {100}
    assert len({path(obj) for obj in objects}) == 300


@pytest.mark.parametrize("objects", [istio(300), istio(5000), config_maps(100)])
def test_ten_change(objects):
    after = changed(objects)
    assert sum(old != new for old, new in zip(objects, after, strict=True)) == 10
    assert list(map(path, after)) == list(map(path, objects))


@pytest.mark.parametrize(
    ("obj", "where"),
    [
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}, "/api/v1/namespaces/a"),
        (
            {"apiVersion": "x.io/v1", "kind": "ServiceEntry", "metadata": {"name": "a", "namespace": "b"}},
            "/apis/x.io/v1/namespaces/b/serviceentries/a",
        ),
    ],
)
def test_paths(obj, where):
    assert path(obj) == where


def test_files_say_the_same_to_everyone(tmp_path):
    objects = istio(300)
    files = Files(tmp_path, objects).write()
    read = {
        state: list(yaml.safe_load_all(files.yaml(state).read_text())) for state in ("created", "changed", "pruned")
    }
    assert read["created"] == objects
    assert read["pruned"] == read["changed"][:250]
    for state, manifests in read.items():
        text = (files.chart(state) / "templates" / "objects.yaml").read_text()
        assert "{{" not in text  # helm would take it for a template
        assert list(yaml.safe_load_all(text)) == manifests
    assert len(files.requests.read_text().splitlines()) == 300
    assert files.pairs == 3
