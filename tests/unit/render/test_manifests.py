# SPDX-License-Identifier: Apache-2.0
"""Objects out of YAML and out of charts, and what is remembered of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mesh.model.errors import MeshError
from mesh.render.charts import Chart
from mesh.render.helm import Helm
from mesh.render.manifests import Target, flatten, parse, render

A = "{apiVersion: v1, kind: A, metadata: {name: a}}"
B = "{apiVersion: v1, kind: B, metadata: {name: b}}"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("---\n---\n# only a comment\n---\nnull\n", []),
        (f"---\n{A}\n---\n---\n{B}\n", ["a", "b"]),
        (f"apiVersion: v1\nkind: List\nitems: [{A}, {B}]\n", ["a", "b"]),
        (f"kind: AList\nitems: [{{kind: List, items: [{A}]}}, {B}]\n", ["a", "b"]),
        ("kind: List\nitems: []\n", []),
        ("{apiVersion: v1, kind: AllowList, metadata: {name: c}}", ["c"]),
    ],
)
def test_parse(text, names):
    assert [obj["metadata"]["name"] for obj in parse(text, "file")] == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\nc: [\n", "file:3: not YAML: "),
        ("a: *b\n", "file:1: not YAML: found undefined alias"),
        ("a: !!python/name:os.system\n", "file:1: not YAML: could not determine a constructor"),
        ("a: \x00", "file: not YAML: "),
        ("a: !!int x\n", "file: not YAML: invalid literal for int() with base 10: 'x'"),
        (f"{A}\n---\n- 1\n", "file:3: is not an object"),
        ("kind: A\nmetadata: {name: a}", "file:1: has no apiVersion"),
        ("apiVersion: v1\nmetadata: {name: a}", "file:1: has no kind"),
        ("apiVersion: 1\nkind: A\nmetadata: {name: a}", "file:1: has no apiVersion"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: 1}", "file:1: has no metadata.name"),
        ("apiVersion: v1\nkind: A\nmetadata:\n", "file:1: has no metadata.name"),
        ("apiVersion: v1\nkind: A\nmetadata: a\n", "file:1: has no metadata.name"),
        (f"kind: List\nitems: [{A}, {{kind: B}}]", "file:1, document 2: has no apiVersion"),
        ("apiVersion: v1\nkind: List\nitems:\n", "file:1: has no metadata.name"),
    ],
)
def test_malformed(text, message):
    with pytest.raises(MeshError) as caught:
        parse(text, "file")
    assert caught.value.code == "invalid_object"
    assert str(caught.value).startswith(message)


def test_flatten_leaves_objects_as_they_are():
    obj = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "anything": [1]}
    assert list(flatten([obj, None], "x")) == [obj]


class Recorded(Helm):
    """A program that answers at once and counts; the cache around it is what is tested."""

    def __init__(self, text, identity=("helm", 1, 1)):
        super().__init__("helm")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "calls", [])
        object.__setattr__(self, "known_by", identity)

    @property
    def identity(self):
        return self.known_by

    def template(self, chart, release, namespace, values, kube_version, api_versions):
        self.calls.append(list(api_versions))
        return self.text


@pytest.fixture
def chart(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Chart("c", tmp_path, "digest", "1.0.0", asks_api_versions=False)


TARGET = Target("1.36.0", frozenset({"v1", "apps/v1"}))


@pytest.mark.parametrize(
    ("text", "calls"),
    [(A, 1), ("", 1), (f"{A}\n---\n{{apiVersion: v1, kind: Secret, metadata: {{name: s}}}}", 2)],
)
def test_only_results_without_secrets_are_kept(chart, tmp_path, text, calls):
    helm = Recorded(text)
    first = render(helm, chart, "r", "ns", {"a": 1}, TARGET)
    assert render(helm, chart, "r", "ns", {"a": 1}, TARGET) == first
    assert len(helm.calls) == calls
    assert len(list(tmp_path.rglob("rendered/*.json"))) == 2 - calls


@pytest.mark.parametrize(
    "other",
    [
        {"release": "other"},
        {"namespace": "other"},
        {"values": {"a": 2}},
        {"target": Target("1.35.0", TARGET.api_versions)},
        {"chart": {"digest": "other"}},
        {"chart": {"asks_api_versions": True}},
        {"identity": ("helm", 1, 2)},
    ],
)
def test_whatever_matters_is_part_of_the_key(chart, other):
    arguments: dict[str, Any] = {"release": "r", "namespace": "ns", "values": {"a": 1}, "target": TARGET}
    render(Recorded(A), chart, **arguments)
    again = Recorded(B, other.get("identity", ("helm", 1, 1)))
    changed = replace(chart, **other.get("chart", {}))
    arguments |= {key: value for key, value in other.items() if key in arguments}
    assert [obj["kind"] for obj in render(again, changed, **arguments)] == ["B"]


@pytest.mark.parametrize(("asks", "calls", "told"), [(False, 1, []), (True, 2, ["apps/v1", "v1"])])
def test_api_versions_matter_only_to_charts_that_ask(chart, asks, calls, told):
    helm, asking = Recorded(A), replace(chart, asks_api_versions=asks)
    render(helm, asking, "r", "ns", {}, TARGET)
    render(helm, asking, "r", "ns", {}, Target("1.36.0", frozenset({"v1", "apps/v1", "x/v1"})))
    assert (len(helm.calls), helm.calls[0]) == (calls, told)


def test_hooks_are_left_out(chart):
    hook = '{apiVersion: v1, kind: Job, metadata: {name: h, annotations: {"helm.sh/hook": test}}}'
    assert [obj["kind"] for obj in render(Recorded(f"{hook}\n---\n{A}"), chart, "r", "ns", {}, TARGET)] == ["A"]


def test_the_cache_is_private(chart, tmp_path):
    render(Recorded(A), chart, "r", "ns", {}, TARGET)
    assert (tmp_path / "meshops").stat().st_mode & 0o777 == 0o700
    (kept,) = tmp_path.rglob("rendered/*.json")
    assert kept.stat().st_mode & 0o077 == 0


def test_a_damaged_cache_only_costs_time(chart, tmp_path):
    render(Recorded(A), chart, "r", "ns", {}, TARGET)
    (kept,) = tmp_path.rglob("rendered/*.json")
    kept.write_text("{")
    assert [obj["kind"] for obj in render(Recorded(B), chart, "r", "ns", {}, TARGET)] == ["B"]
