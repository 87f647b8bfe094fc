# SPDX-License-Identifier: Apache-2.0
"""Waits for a condition, but not longer than the processes live that are to bring it about."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lab.errors import LabError, log_tail
from lab.process import Process

_POLL_SECONDS = 0.1


def wait_for(
    what: str, condition: Callable[[], bool], processes: Sequence[Process] = (), timeout_seconds: float = 120
) -> None:
    """Return once the condition holds; a dead process or the deadline is an error with the log's last lines."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        for process in processes:
            if process.pid() is None:
                raise LabError(f"{what}: {process.name} ended; the reason is in its log.{log_tail(process.log)}")
        if time.monotonic() > deadline:
            logs = "".join(log_tail(process.log) for process in processes[-1:])
            raise LabError(f"{what}: not there after {timeout_seconds:.0f} s; see the logs, then down and up.{logs}")
        time.sleep(_POLL_SECONDS)
