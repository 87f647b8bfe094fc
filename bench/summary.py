# SPDX-License-Identifier: Apache-2.0
"""Statistics of repeated runs: median and range, which say all that five runs can say."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Median, least and greatest of some values."""

    median: float
    least: float
    greatest: float
    count: int


def summarize(values: Sequence[float]) -> Summary:
    """The summary of at least one value."""
    return Summary(statistics.median(values), min(values), max(values), len(values))


def seconds(summary: Summary) -> str:
    """``1.23 (1.20-1.40)``; a single run says so, since it has no range."""
    if summary.count == 1:
        return f"{_short(summary.median)} (1 run)"
    return f"{_short(summary.median)} ({_short(summary.least)}-{_short(summary.greatest)})"


def _short(value: float) -> str:
    """Three digits that count, and no more than two behind the point."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def ratio(value: float, base: float) -> str:
    """How many times the base."""
    return f"{value / base:.2f}" if base else "-"


def megabytes(value: float) -> str:
    """Bytes as MB, with a digit behind the point where it counts."""
    size = value / 1e6
    return f"{size:.2f}" if size < 1 else f"{size:.1f}" if size < 10 else f"{size:.0f}"
