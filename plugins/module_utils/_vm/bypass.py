# SPDX-License-Identifier: Apache-2.0
"""Connections that interception leaves alone, as it does the agent's own: those of the user istio-proxy."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import Iterator

AGENT = "istio-proxy"


@contextlib.contextmanager
def as_agent() -> Iterator[None]:
    """Sockets made meanwhile are the agent's, where there is one and we may: a proxy that has no certificate listens
    nowhere, and one that has would take what is refused for connected. The group alone does not do: the agent's rules
    spare that whose number is the user's."""
    try:
        agent = pwd.getpwnam(AGENT)
    except KeyError:
        agent = None
    if agent is None or os.geteuid() != 0:
        yield
        return
    group = os.getegid()
    os.setegid(agent.pw_gid)
    os.seteuid(agent.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
