# SPDX-License-Identifier: Apache-2.0
"""Field sets as paths, what of managed fields becomes ours, and which pod labels stay."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from mesh.plan.compare import owned_fields
from mesh.plan.fieldsets import fields_v1, paths, without
from mesh.plan.handover import claimed, disowned, handed_over, left_behind, merge_patch, pruned
from mesh.plan.pod_labels import RENDERED, left_alone

OURS = "meshops/config_set/x"
DATA: dict[str, Any] = {"f:data": {"f:a": {}, "f:b": {}}}
MARKS: dict[str, Any] = {
    "f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}, "f:meta.helm.sh/release-namespace": {}}}
}
COPY: dict[str, Any] = {"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}}}


def entry(manager: str, operation: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def config_map(*entries: dict[str, Any], **data: str) -> dict[str, Any]:
    metadata = {"name": "x", "resourceVersion": "7", "managedFields": list(entries)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def given_(obj: Any) -> set[tuple[str, str]]:
    return {(item["manager"], item["operation"]) for item in obj["metadata"]["managedFields"]}


steps = some.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "v:1"])
field_sets = some.frozensets(some.lists(steps, min_size=1, max_size=4).map(tuple), max_size=8)


@given(field_sets)
def test_a_set_of_paths_survives_being_written(found):
    assert paths(fields_v1(found)) == found


@pytest.mark.parametrize(
    ("path", "left"),
    [
        (("f:a",), {"l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["p", "q"], "m": {"n": 1}}),
        (("f:l", 'k:{"name":"x"}'), {"a": 1, "l": [{"name": "y"}], "s": ["p", "q"], "m": {"n": 1}}),
        (
            ("f:l", 'k:{"name":"x"}', "f:v"),
            {"a": 1, "l": [{"name": "x"}, {"name": "y"}], "s": ["p", "q"], "m": {"n": 1}},
        ),
        (("f:l", 'k:{"name":"z"}'), None),
        (("f:s", 'v:"p"'), {"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["q"], "m": {"n": 1}}),
        (("f:s", "i:1"), {"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["p"], "m": {"n": 1}}),
        (("f:s", "i:9"), None),
        (("f:m", "f:n"), {"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["p", "q"]}),
        (("f:a", "f:deeper"), None),
        (("f:nowhere", "f:x"), None),
    ],
)
def test_without_a_path(path, left):
    obj = {"a": 1, "l": [{"name": "x", "v": 1}, {"name": "y"}], "s": ["p", "q"], "m": {"n": 1}}
    assert without(obj, path) == (obj if left is None else left)


@pytest.mark.parametrize(
    "theirs",
    [
        entry("helm", "Apply", DATA),
        entry("helm", "Update", DATA),
        entry("istio-operator", "Apply", DATA),
        entry("istio-ci", "Apply", DATA),
        entry("kubectl", "Apply", DATA),
        entry("kubectl-client-side-apply", "Update", DATA),
        entry("before-first-apply", "Update", DATA),
        entry("pulumi-kubernetes-1a2b", "Apply", DATA),
        entry("meshops-released", "Update", DATA),
        entry("terraform-provider-helm_v2.17", "Update", DATA | MARKS),
        entry("my-deployer", "Update", DATA | COPY),
    ],
)
def test_what_a_tool_applied_becomes_ours(theirs):
    taken = handed_over(config_map(theirs, a="1"), OURS, "v1", "remove")
    assert taken
    assert given_(taken) == {(OURS, "Apply")}
    assert paths(owned_fields(taken, OURS) or {}) == paths(theirs["fieldsV1"])


@pytest.mark.parametrize(
    "theirs",
    [
        entry("kubectl-edit", "Update", DATA),
        entry("kubectl", "Update", DATA),
        entry("pilot-discovery", "Update", DATA),
        entry("kube-controller-manager", "Update", DATA, subresource="status"),
        entry("helm", "Update", DATA, subresource="scale"),
        entry("a-controller", "Apply", DATA),
    ],
)
def test_controllers_and_single_edits_are_left_alone(theirs):
    assert handed_over(config_map(theirs, a="1"), OURS, "v1", "keep") is None


def test_a_kept_release_keeps_its_marks_and_nothing_else():
    live = config_map(entry("helm", "Apply", DATA | MARKS), a="1")
    taken = handed_over(live, OURS, "v1", "keep")
    assert taken
    assert {e["manager"]: e["fieldsV1"] for e in taken["metadata"]["managedFields"]} == {"helm": MARKS, OURS: DATA}
    assert handed_over(taken, OURS, "v1", "keep") is None, "once is enough"
    later = handed_over(taken, OURS, "v1", "remove")
    assert later
    assert given_(later) == {(OURS, "Apply")}


def test_what_was_ours_before_stays_ours():
    live = config_map(entry(OURS, "Apply", {"f:data": {"f:c": {}}}), entry("helm", "Update", DATA))
    taken = handed_over(live, OURS, "v1", "keep")
    assert taken
    assert owned_fields(taken, OURS) == {"f:data": {"f:a": {}, "f:b": {}, "f:c": {}}}


def test_what_goes_is_handed_over_unwanted_and_of_nobody_else():
    live = config_map(
        entry("helm", "Update", {"f:data": {".": {}, "f:a": {}, "f:b": {}, "f:c": {}}}),
        entry("somebody", "Update", {"f:data": {"f:c": {}}}),
        a="1",
        b="2",
        c="3",
    )
    taken = handed_over(live, OURS, "v1", "keep")
    assert taken
    applied = config_map(entry(OURS, "Apply", {"f:data": {"f:a": {}}}), a="1", b="2", c="3")
    gone = left_behind(taken, applied, OURS)
    assert gone == {("f:data", "f:b")}
    assert pruned(applied, gone)["data"] == {"a": "1", "c": "3"}


def test_a_released_object_has_a_manager_still():
    assert disowned(config_map(entry(OURS, "Apply", DATA), entry("me", "Update", DATA)), OURS) == [
        entry("me", "Update", DATA)
    ]
    left = disowned(config_map(entry(OURS, "Apply", DATA)), OURS)
    assert [(item["manager"], item["fieldsV1"]) for item in left] == [
        ("meshops-released", {"f:metadata": {"f:labels": {"f:meshops.mesh/released": {}}}})
    ]


def test_an_object_without_managers_is_claimed_as_it_will_be_applied():
    applied = config_map(entry(OURS, "Apply", DATA), entry("before-first-apply", "Update", DATA))
    assert given_(claimed(config_map(), applied, OURS)) == {(OURS, "Apply")}


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({"a": 1, "b": 2}, {"b": 2}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {"a": 1}, {}),
    ],
)
def test_merge_patch(before, after, patch):
    assert merge_patch(before, after) == patch


def deployment(image: str = "i:1", kind: str = "Deployment", version: str = "apps/v1", **labels: str) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "d"}, "spec": {"template": template}}


def test_pod_labels_that_say_nothing_are_left_when_adopting():
    name, chart = "app.kubernetes.io/instance", "helm.sh/chart"
    live = deployment(**{"app": "x", name: "istio"})
    wanted = deployment(**{"app": "y", name: "istiod", chart: "istiod-1"})
    kept = left_alone(wanted, live, adopting=True)
    assert kept["spec"]["template"]["metadata"]["labels"] == {"app": "y", name: "istio"}
    noted = kept["metadata"]["labels"]
    assert set(noted) == {RENDERED}
    # The next run renders the same, and leaves them; another rendering does not.
    after = {**kept, "metadata": {"labels": noted}}
    assert left_alone(wanted, after, adopting=False) == kept
    newer = deployment(**{"app": "y", name: "istiod", chart: "istiod-2"})
    assert left_alone(newer, after, adopting=False) == newer


@pytest.mark.parametrize(
    ("wanted", "live", "adopting"),
    [
        (deployment(release="a"), deployment(release="a"), True),
        (deployment(release="a"), deployment(release="b"), False),
        (deployment("i:2", release="a"), deployment("i:1", release="b"), True),
        (deployment(kind="Thing", release="a"), deployment(kind="Thing", release="b"), True),
        (deployment(version="x/v1", release="a"), deployment(version="x/v1", release="b"), True),
    ],
)
def test_pod_labels_are_as_rendered(wanted, live, adopting):
    assert left_alone(wanted, live, adopting=adopting) is wanted
