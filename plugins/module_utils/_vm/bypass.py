# SPDX-License-Identifier: Apache-2.0
"""Connections that interception leaves alone, as it does the agent's own: those of the group istio-proxy."""

from __future__ import annotations

import contextlib
import grp
import os
from typing import Iterator

AGENT = "istio-proxy"


@contextlib.contextmanager
def as_agent() -> Iterator[None]:
    """Sockets made meanwhile are of the agent's group, where there is one and we may; a proxy would take what is
    refused for connected."""
    before = os.getegid()
    try:
        os.setegid(grp.getgrnam(AGENT).gr_gid)
    except (KeyError, OSError):
        yield
        return
    try:
        yield
    finally:
        os.setegid(before)
