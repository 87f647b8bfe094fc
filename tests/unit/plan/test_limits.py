# SPDX-License-Identifier: Apache-2.0
"""Sizes that no API server takes, and the time that large sets take to plan."""

from __future__ import annotations

import time

import pytest
from mesh.model.errors import MeshError
from mesh.model.objects import ObjectSet, ref
from mesh.plan.changes import members, plan_set
from mesh.plan.limits import check_sizes


def config_map(name="a", data="", annotation="", kind="ConfigMap"):
    metadata = {"name": name, "namespace": "x", "annotations": {"a": annotation}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"a": data}}


@pytest.mark.parametrize(
    ("obj", "complaint"),
    [
        (config_map(), None),
        (config_map(annotation="x" * (256 * 1024 - 1)), None),
        (config_map(annotation="x" * (256 * 1024)), "its annotations have 0.25 MiB"),
        (config_map(data="x" * 1_048_500), None),
        (config_map(data="x" * 1_048_577), "its data has 1.00 MiB"),
        (config_map(data="\n" * 600_000), None),
        (config_map(data="\u6f22" * 349_525), None),
        (config_map(data="\u6f22" * 349_526), "its data has 1.00 MiB"),
        (config_map(data="x" * 1_398_104, kind="Secret"), "its data has 1.00 MiB"),
        (config_map(data="x" * 1_398_102 + "==", kind="Secret"), None),
        (config_map(data="x" * 1_300_000, kind="Thing"), None),
        (config_map(data="x" * 1_500_000, kind="Thing"), "the object has 1.43 MiB"),
    ],
)
def test_sizes(obj, complaint):
    if complaint is None:
        check_sizes([obj])
        return
    with pytest.raises(MeshError, match=complaint) as caught:
        check_sizes([obj])
    assert (caught.value.code, caught.value.where) == ("invalid_object", f"{obj['kind']} x/a")


def seconds_to_plan(count):
    """All of them there and as wanted: each is compared."""
    item = ObjectSet("config-x", "x", "meshops/config_set/x/x", tuple(config_map(f"m{i}") for i in range(count)))
    fields = {"f:metadata": {"f:labels": {}, "f:annotations": {"f:a": {}}}, "f:data": {"f:a": {}}}
    live = {}
    for obj in members(item):
        marks = {f"f:{key}": {} for key in obj["metadata"]["labels"]}
        owned = {**fields, "f:metadata": {**fields["f:metadata"], "f:labels": marks}}
        entry = {"manager": item.manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": owned}
        live[ref(obj)] = {**obj, "metadata": {**obj["metadata"], "uid": "u", "managedFields": [entry]}}
    started = time.process_time()
    changes = plan_set(item, live)
    took = time.process_time() - started
    assert {change.action for change in changes} == {"unchanged"}
    assert len(changes) == count
    return took


def test_the_time_to_plan_grows_with_the_number_of_objects_and_no_faster():
    small = min(seconds_to_plan(2_000) for _ in range(3))
    assert seconds_to_plan(20_000) < 25 * small
