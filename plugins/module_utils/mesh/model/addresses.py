# SPDX-License-Identifier: Apache-2.0
"""Addresses of hosts, which can be written in more than one way."""

from __future__ import annotations

import ipaddress


def canonical(address: str) -> str:
    """The one spelling by which addresses are compared: IPv6 has many, and DNS names have no case."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address.lower()
