# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks of two machines."""

from __future__ import annotations


def skew(clock: float, sent: float, answered: float) -> float:
    """Seconds by which a clock that was read between two moments of ours is off, as far as the time between them does
    not explain it; less than 0 where it is behind."""
    return round(clock - min(max(clock, sent), answered), 1)
