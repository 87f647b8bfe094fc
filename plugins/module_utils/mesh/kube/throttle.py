# SPDX-License-Identifier: Apache-2.0
"""How many requests are in flight at once: fewer after the server says that it is overloaded, then slowly more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds in which several refusals count as one: they answer requests that were under way together.
_TOGETHER = 0.5


class Throttle:
    """A semaphore whose limit is halved on overload and grows by one with every full round of successes (AIMD)."""

    def __init__(self, most: int) -> None:
        self._most = self.limit = most
        self._flying = self._successes = 0
        self._slowed = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a free place and hold it."""
        with self._changed:
            while self._flying >= self.limit:
                self._changed.wait()
            self._flying += 1
        try:
            yield
        finally:
            with self._changed:
                self._flying -= 1
                self._changed.notify()

    def overloaded(self) -> None:
        """The server refused for overload."""
        with self._changed:
            now = time.monotonic()
            if now - self._slowed > _TOGETHER:
                self._slowed, self._successes = now, 0
                self.limit = max(1, self.limit // 2)

    def succeeded(self) -> None:
        """The server answered."""
        if self.limit == self._most:
            return
        with self._changed:
            self._successes += 1
            if self._successes >= self.limit:
                self._successes = 0
                self.limit = min(self._most, self.limit + 1)
                self._changed.notify()
