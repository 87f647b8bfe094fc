# SPDX-License-Identifier: Apache-2.0
"""Waits for what comes about in other programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_SECONDS = 40.0
_Seen = TypeVar("_Seen")


def eventually(look: Callable[[], _Seen], expected: object, patience_seconds: float = PATIENCE_SECONDS) -> _Seen:
    """Look until it is as expected; the last look is the answer."""
    deadline = time.monotonic() + patience_seconds
    while (seen := look()) != expected and time.monotonic() < deadline:
        time.sleep(0.2)
    return seen
