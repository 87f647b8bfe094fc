# SPDX-License-Identifier: Apache-2.0
"""Spellings of one quantity, as the API server reads them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh.plan.quantity import equal, parsed


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"),
        (2, "2"),
        (0.5, "0.5"),
        ("0.5", "0.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-1", "-1"),
        ("500m", "0.5"),
        ("1n", "0.000000001"),
        ("1u", "0.000001"),
        ("1k", "1000"),
        ("1M", "1000000"),
        ("1E", "1000000000000000000"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1e-3", "0.001"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1Ei", "1152921504606846976"),
    ],
)
def test_parsed(text, number):
    assert parsed(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", ["", "x", "1x", "1 Gi", "Gi", "1K", "1mi", "1GI", "1kI", "1e", "1e3k", True, None, "1\n"]
)
def test_what_is_no_quantity(text):
    assert parsed(text) is None
    assert not equal(text, text)


def test_an_exponent_beyond_reason_is_no_quantity():
    assert parsed("1e9999999") is None


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("2048Mi", "2Gi", True),
        ("0.5", "500m", True),
        ("1000", "1k", True),
        ("1k", "1Ki", False),
        ("1m", "1M", False),
        ("100m", "100", False),
        ("x", "x", False),
    ],
)
def test_equal(left, right, same):
    assert equal(left, right) is same


@given(st.integers(0, 2**40), st.sampled_from(["Ki", "Mi", "Gi"]))
def test_units_are_products(number, unit):
    factor = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}[unit]
    assert equal(f"{number}{unit}", number * factor)
    assert not equal(f"{number}{unit}", number * factor + 1)
