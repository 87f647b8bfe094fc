# SPDX-License-Identifier: Apache-2.0
"""Property maps there and back."""

from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from pulumi_mesh.provider.properties import UNKNOWN, Secret, decode, encode, known, plain, secret_texts

SIGNATURE = "4dabf18193072939515e22adb298388d"
TEXTS = st.text(max_size=8).filter(lambda text: text != SIGNATURE)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), TEXTS, st.just(UNKNOWN))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3), inner.map(Secret)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_there_and_back(properties):
    assert decode(encode(properties)) == properties


def test_whole_numbers_are_integers_and_others_stay():
    found = decode(encode({"a": 3.0, "b": 3.5, "c": True}))
    assert found == {"a": 3, "b": 3.5, "c": True}
    assert {key: type(value) for key, value in found.items()} == {"a": int, "b": float, "c": bool}


def test_output_values_are_what_they_hold():
    inner = {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "x", "secret": True, "dependencies": ["urn:a"]}
    empty = {SIGNATURE: "d0e6a833031e9bbcd3f4e8bde6ca49a4"}
    wire = Struct()
    wire.update({"a": inner, "b": empty})
    assert decode(wire) == {"a": Secret("x"), "b": UNKNOWN}


def test_an_asset_is_refused():
    wire = Struct()
    wire.update({"a": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "x"}})
    with pytest.raises(ValueError, match="asset"):
        decode(wire)


def test_what_is_secret_and_what_is_known():
    value = {"a": Secret({"b": "hidden", "c": [1, "too"]}), "d": "shown"}
    assert plain(value) == {"a": {"b": "hidden", "c": [1, "too"]}, "d": "shown"}
    assert sorted(secret_texts(value)) == ["1", "hidden", "too"]
    assert "hidden" not in repr(value)
    assert (known(value), known({"a": [Secret(UNKNOWN)]})) == (True, False)
