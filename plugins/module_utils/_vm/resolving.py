# SPDX-License-Identifier: Apache-2.0
"""What programs on the host get for a name: /etc/hosts, then DNS, as the host is set up."""

from __future__ import annotations

import socket
import threading
from typing import Any

from .reach import said


def resolve(name: str, timeout: float) -> dict[str, Any]:
    """``{name, addresses, reason}``. The system's resolver knows no end of waiting that a caller could set."""
    told = {"name": name, "addresses": [], "reason": f"no answer within {timeout:g} s: is the name server there?"}
    asking = threading.Thread(target=_ask, args=(name, told), daemon=True)
    asking.start()
    asking.join(timeout)
    return dict(told)


def _ask(name: str, told: dict[str, Any]) -> None:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        told["reason"] = said(error, 0)
        return
    told.update(addresses=list(dict.fromkeys(str(item[4][0]) for item in found)), reason="")
