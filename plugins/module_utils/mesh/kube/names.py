# SPDX-License-Identifier: Apache-2.0
"""Addresses behind DNS names, as this machine resolves them."""

from __future__ import annotations

import socket

from ..model.errors import MeshError


def resolved(name: str) -> list[str]:
    """Its addresses, IPv4 first, sorted; raises MeshError ``missing_dependency`` when it has none."""
    try:
        found = socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)
    except OSError as error:
        text = f"cannot be resolved here: {error.strerror or error}"
        raise MeshError("missing_dependency", text, where=name, hint="say an IP address as gateway_address") from None
    return sorted({str(item[4][0]) for item in found}, key=lambda address: (":" in address, address))
