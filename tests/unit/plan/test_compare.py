# SPDX-License-Identifier: Apache-2.0
"""Whether an apply would change anything, from managed fields as the API server writes them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh.plan import quantity
from mesh.plan.compare import equal

ME = "meshops/test"


def live(fields, manager=ME, operation="Apply", **body):
    entry = {"manager": manager, "operation": operation, "fieldsType": "FieldsV1", "fieldsV1": fields}
    return {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "managedFields": [entry]}, **body}


def wanted(**body):
    return {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, **body}


SPEC: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
PORTS: dict[str, Any] = {
    "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:protocol": {}, "f:name": {}}}}
}


@pytest.mark.parametrize(
    ("want", "have", "same"),
    [
        (wanted(spec={"replicas": 1}), live(SPEC, spec={"replicas": 1, "defaulted": True}), True),
        (wanted(spec={"replicas": 2}), live(SPEC, spec={"replicas": 1}), False),
        (wanted(spec={"replicas": 1}), live(SPEC, "other", spec={"replicas": 1}), False),
        (wanted(spec={"replicas": 1}), live(SPEC, ME, "Update", spec={"replicas": 1}), False),
        (wanted(spec={"replicas": 1, "more": 1}), live(SPEC, spec={"replicas": 1, "more": 1}), False),
        (wanted(spec={}), live(SPEC, spec={"replicas": 1}), False),
        # A list by key, whose protocol the server defaulted.
        (
            wanted(spec={"ports": [{"port": 80, "name": "http"}]}),
            live(PORTS, spec={"ports": [{"port": 80, "protocol": "TCP", "name": "http", "targetPort": 80}]}),
            True,
        ),
        (
            wanted(spec={"ports": [{"port": 81, "name": "http"}]}),
            live(PORTS, spec={"ports": [{"port": 80, "protocol": "TCP", "name": "http"}]}),
            False,
        ),
        (
            wanted(spec={"ports": [{"port": 80, "name": "http"}, {"port": 81, "name": "b"}]}),
            live(PORTS, spec={"ports": [{"port": 80, "protocol": "TCP", "name": "http"}]}),
            False,
        ),
        # A list that is a set.
        (
            wanted(metadata={"name": "x", "finalizers": ["b", "a"]}),
            live({"f:metadata": {"f:finalizers": {'v:"a"': {}, 'v:"b"': {}}}})
            | {
                "metadata": {
                    "finalizers": ["a", "b", "c"],
                    **live({"f:metadata": {"f:finalizers": {'v:"a"': {}, 'v:"b"': {}}}})["metadata"],
                }
            },
            True,
        ),
        # Atomic lists and structs.
        (wanted(spec={"args": ["a", "b"]}), live({"f:spec": {"f:args": {}}}, spec={"args": ["a", "b"]}), True),
        (wanted(spec={"args": ["b", "a"]}), live({"f:spec": {"f:args": {}}}, spec={"args": ["a", "b"]}), False),
        (
            wanted(spec={"fieldRef": {"fieldPath": "x"}}),
            live({"f:spec": {"f:fieldRef": {}}}, spec={"fieldRef": {"apiVersion": "v1", "fieldPath": "x"}}),
            True,
        ),
        (
            wanted(spec={"fieldRef": {"fieldPath": "x"}}),
            live({"f:spec": {"f:fieldRef": {}}}, spec={"fieldRef": {"apiVersion": "v2", "fieldPath": "x"}}),
            False,
        ),
        (
            wanted(spec={"rules": [{"operations": ["CREATE"]}]}),
            live({"f:spec": {"f:rules": {}}}, spec={"rules": [{"operations": ["CREATE"], "scope": "*"}]}),
            True,
        ),
        # Quantities, and what the server leaves out.
        (
            wanted(spec={"limits": {"memory": "2048Mi", "cpu": "0.5"}}),
            live(
                {"f:spec": {"f:limits": {"f:memory": {}, "f:cpu": {}}}},
                spec={"limits": {"memory": "2Gi", "cpu": "500m"}},
            ),
            True,
        ),
        (
            wanted(spec={"limits": {"memory": "2048Mi"}}),
            live({"f:spec": {"f:limits": {"f:memory": {}}}}, spec={"limits": {"memory": "3Gi"}}),
            False,
        ),
        (wanted(spec={"value": ""}), live({"f:spec": {"f:value": {}}}, spec={}), True),
        (wanted(spec={"value": "x"}), live({"f:spec": {"f:value": {}}}, spec={}), False),
        (wanted(spec={"version": "2048Mi"}), live({"f:spec": {"f:version": {}}}, spec={"version": "2Gi"}), False),
    ],
)
def test_equal(want, have, same):
    assert equal(want, have, ME) is same


VALUES = st.recursive(
    st.one_of(st.integers(), st.text(min_size=1), st.booleans()),
    lambda inner: st.dictionaries(st.text("abcdef", min_size=1, max_size=3), inner, min_size=1, max_size=3),
    max_leaves=8,
)


def fields_of(value):
    return {f"f:{key}": fields_of(item) for key, item in value.items()} if isinstance(value, dict) else {}


def changed(value):
    """The same shape with one leaf that differs."""
    if isinstance(value, dict):
        key = sorted(value)[0]
        return {**value, key: changed(value[key])}
    return "other" if value != "other" else "another"


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), VALUES, min_size=1, max_size=3))
def test_what_was_applied_is_equal_and_any_drift_is_not(spec):
    want = wanted(spec=spec)
    have = live({"f:spec": fields_of(spec)}, spec=copy.deepcopy(spec))
    assert equal(want, have, ME)
    assert not equal(want, {**have, "spec": changed(spec)}, ME)
    assert not equal(wanted(spec={**spec, "zz": 1}), have, ME)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("1", 1, True),
        ("1000m", "1", True),
        ("1Ki", "1024", True),
        ("1k", "1000", True),
        ("1e3", "1k", True),
        ("100M", "100Mi", False),
        ("x", "x", False),
        (True, "1", False),
    ],
)
def test_quantities(left, right, same):
    assert quantity.equal(left, right) is same


def keyed(fields):
    return {"f:spec": {"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, **fields}}}}


@pytest.mark.parametrize(
    ("env", "fields", "stored", "same"),
    [
        # The server leaves out the empty value of a variable.
        ([{"name": "A", "value": ""}], {"f:value": {}}, [{"name": "A"}], True),
        ([{"name": "A", "value": "x"}], {"f:value": {}}, [{"name": "A"}], False),
        ([{"name": "A"}], {}, [{"name": "A", "value": "of another"}], True),
        ([{"name": "A"}], {"f:value": {}}, [{"name": "A", "value": "was ours"}], False),
        ([{"name": "A"}], {}, [{"name": "B"}, {"name": "A"}], True),
        ([{"name": "A"}], {}, [{"name": "B"}], False),
        ([], {}, [{"name": "A"}], False),
        ([{"name": "A"}], {}, None, False),
        (
            [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
            {"f:valueFrom": {"f:resourceFieldRef": {}}},
            [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "0"}}}],
            True,
        ),
    ],
)
def test_lists_by_key(env, fields, stored, same):
    have = live(keyed(fields), spec={"env": stored} if stored is not None else {})
    assert equal(wanted(spec={"env": env}), have, ME) is same


@pytest.mark.parametrize(
    ("values", "owned", "stored", "same"),
    [
        (["a", "b"], ["a", "b"], ["b", "a", "c"], True),
        (["a"], ["a", "b"], ["a", "b"], False),
        (["a", "b"], ["a"], ["a", "b"], False),
        (["a", "c"], ["a", "b"], ["a", "b", "c"], False),
        (["a", "b"], ["a", "b"], ["a"], False),
    ],
)
def test_lists_that_are_sets(values, owned, stored, same):
    fields = {"f:spec": {"f:set": {f'v:"{value}"': {} for value in owned}}}
    assert equal(wanted(spec={"set": values}), live(fields, spec={"set": stored}), ME) is same


def test_an_entry_of_the_status_is_not_ours():
    have = live(SPEC, spec={"replicas": 1})
    have["metadata"]["managedFields"][0]["subresource"] = "status"
    assert not equal(wanted(spec={"replicas": 1}), have, ME)
