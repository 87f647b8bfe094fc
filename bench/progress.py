# SPDX-License-Identifier: Apache-2.0
"""Progress lines: elapsed, n of m, what was measured."""

from __future__ import annotations

import sys
import time

_LIMIT = 60 * 60.0  # seconds of the whole benchmark after which it only completes first rounds


class Clock:
    """Counts measurements; the total is what is planned, which slow contenders make less."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._started = time.monotonic()

    def over(self, series: str, rounds: int, since: float, budget: float) -> bool:
        """Whether no other round should begin: the first one always does."""
        spent = time.monotonic() - since
        if rounds == 0 or (spent <= budget and self.elapsed <= _LIMIT):
            return False
        self.say(f"{series}: {rounds} rounds done in {spent:.0f} s, which is all there is time for")
        return True

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def step(self, text: str) -> None:
        """One measurement is done."""
        self._done += 1
        print(f"[{self.elapsed:5.0f} s] {self._done:3}/{self._total} {text}", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Something else is worth a line."""
        print(f"[{self.elapsed:5.0f} s]         {text}", file=sys.stderr, flush=True)
