# SPDX-License-Identifier: Apache-2.0
"""Median, range, and how people read them."""

from __future__ import annotations

import pytest

from bench.summary import Summary, megabytes, ratio, seconds, summarize


def test_median_and_range():
    assert summarize([3.0, 1.0, 2.0, 9.0]) == Summary(2.5, 1.0, 9.0, 4)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.234], "1.23 (1 run)"),
        ([1.0, 2.0, 1.5], "1.50 (1.00-2.00)"),
        ([9.99, 12.34, 150.2], "12.3 (9.99-150)"),
    ],
)
def test_seconds(values, text):
    assert seconds(summarize(values)) == text


@pytest.mark.parametrize(("value", "base", "text"), [(1, 2, "0.50"), (3, 1, "3.00"), (1, 0, "-")])
def test_ratio(value, base, text):
    assert ratio(value, base) == text


@pytest.mark.parametrize(("value", "text"), [(450_000, "0.45"), (4_500_000, "4.5"), (45_200_000, "45")])
def test_megabytes(value, text):
    assert megabytes(value) == text
