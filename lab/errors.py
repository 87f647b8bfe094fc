# SPDX-License-Identifier: Apache-2.0
"""The one error a person sees: a sentence that says what, where and the remedy."""

from __future__ import annotations

from pathlib import Path

_TAIL_LINES = 12


class LabError(Exception):
    """Something the lab cannot do; the message is printed as it is, without a traceback."""


def log_tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log, indented, ready to be appended to an error message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"\n  log: {log} (not readable)"
    last = "".join(f"\n    {line[:400]}" for line in text.splitlines()[-lines:])
    return f"\n  log: {log}{last}"
