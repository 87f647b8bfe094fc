# SPDX-License-Identifier: Apache-2.0
"""Progress lines: who, how long since the start, step n of m, what."""

from __future__ import annotations

import sys
import threading
import time

_LOCK = threading.Lock()
_START = time.monotonic()


def say(text: str) -> None:
    """One whole line, also when several threads talk."""
    with _LOCK:
        print(text, file=sys.stderr, flush=True)


def elapsed() -> float:
    """Seconds since this process started its work."""
    return time.monotonic() - _START


class Progress:
    """Counts the steps of one thing (a cluster, the tools, the images)."""

    def __init__(self, scope: str, total: int) -> None:
        self._scope = scope
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    def step(self, text: str) -> None:
        """A step is finished."""
        with self._lock:
            self._done += 1
            done = self._done
        say(f"[{elapsed():6.1f} s] {self._scope:<9} {done}/{self._total} {text}")

    def note(self, text: str) -> None:
        """Something long has begun."""
        say(f"[{elapsed():6.1f} s] {self._scope:<9}     {text}")
