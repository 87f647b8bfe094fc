# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible marks where values come from, and templates some only when they are looked at; the core wants plain ones."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any


def plain(value: Any) -> Any:
    """What JSON can say of a value that a task was given."""
    try:
        return json.loads(json.dumps(value, default=_as_written))
    except TypeError:  # a date as a key
        return json.loads(json.dumps(looked_at(value), default=_as_written))


def looked_at(value: Any) -> Any:
    """The same in maps and lists of Python, with every item looked at, and with keys that JSON can have."""
    if isinstance(value, Mapping):
        return {_as_key(key): looked_at(item) for key, item in value.items()}
    return [looked_at(item) for item in value] if isinstance(value, (list, tuple, Iterator)) else value


def _as_key(key: Any) -> Any:
    return key if isinstance(key, (str, int, float, bool)) or key is None else _as_written(key)


def _as_written(value: Any) -> str:
    """YAML makes dates of what looks like one; Kubernetes knows them as RFC 3339."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime.date) else str(value)


__all__ = ["looked_at", "plain"]
