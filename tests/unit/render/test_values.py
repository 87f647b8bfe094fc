# SPDX-License-Identifier: Apache-2.0
"""Layers of Helm values."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh.render.values import merged, nested, overridden

KEYS = st.sampled_from("abc")
VALUES = st.dictionaries(
    KEYS,
    st.recursive(
        st.one_of(st.integers(), st.booleans(), st.lists(st.integers())), lambda v: st.dictionaries(KEYS, v, min_size=1)
    ),
)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((), {}),
        (({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
        (({"a": {"b": 1}}, {"a": {"c": 2}}), {"a": {"b": 1, "c": 2}}),
        (({"a": {"b": 1}}, {"a": {"b": 2}}, {"a": {"b": 3}}), {"a": {"b": 3}}),
        (({"a": [1, 2]}, {"a": [3]}), {"a": [3]}),
        (({"a": {"b": 1}}, {"a": 1}), {"a": 1}),
        (({"a": 1}, {"a": {"b": 1}}), {"a": {"b": 1}}),
        (({"a": {"b": 1}}, {"a": None}), {"a": None}),
        (({"a": {"b": 1}}, {"a": {}}), {"a": {"b": 1}}),
    ],
)
def test_merged(layers, expected):
    before = copy.deepcopy(layers)
    assert merged(*layers) == expected
    assert layers == before


@given(VALUES, VALUES)
def test_the_later_layer_wins_and_layers_stay(below, above):
    before = copy.deepcopy((below, above))
    result = merged(below, above)
    assert merged(result, above) == result
    assert result.keys() == below.keys() | above.keys()
    assert list(overridden(above, result)) == []
    assert (below, above) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {}),
        ([], {}),
        ({}, {}),
        (False, {"a": {"b": False}}),
        (0, {"a": {"b": 0}}),
        ("", {"a": {"b": ""}}),
        ([1], {"a": {"b": [1]}}),
    ],
)
def test_nested(value, expected):
    assert nested("a.b", value) == expected


@pytest.mark.parametrize(
    ("typed", "values", "paths"),
    [
        ({}, {"a": 1}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": 1}, {"a": None}, ["a"]),
        ({"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "d": 1}}, ["a.b"]),
        ({"a": {"b": 1}}, {"a": 2}, ["a"]),
        ({"a": {"b": {"c": [1]}}}, {"a": {"b": {"c": [2]}}}, ["a.b.c"]),
    ],
)
def test_overridden(typed, values, paths):
    assert list(overridden(typed, values)) == paths
