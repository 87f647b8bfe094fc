# SPDX-License-Identifier: Apache-2.0
"""Calls from the host through its own proxy.

The proxy takes every connection, whether or not there is anything behind it; so a connection alone says nothing.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from .reach import said

#: Seconds in which a proxy that finds nobody behind it closes what it took.
_CLOSES = 1.0


def call(target: str, timeout: float) -> dict[str, Any]:
    """``{target, ok, reason}`` of ``http://host[:port]/path`` or ``host:port``."""
    try:
        reason = _by_http(target, timeout) if "://" in target else _by_tcp(target, timeout)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = said(error, timeout)
    return {"target": target, "ok": not reason, "reason": reason}


def _by_http(target: str, timeout: float) -> str:
    url = urlsplit(target)
    if url.scheme not in ("http", "https") or not url.hostname:
        return "is neither http://host/path nor host:port"
    kind: Any = http.client.HTTPConnection if url.scheme == "http" else http.client.HTTPSConnection
    secured = {"context": ssl.create_default_context()} if url.scheme == "https" else {}
    connection = kind(url.hostname, url.port, timeout=timeout, **secured)
    try:
        connection.request("GET", url.path or "/", headers={"User-Agent": "meshops.mesh"})
        answer = connection.getresponse()
        text = answer.read(200).decode("utf-8", "replace").strip()
    finally:
        connection.close()
    return "" if answer.status < 400 else f"{answer.status}: {text.splitlines()[0] if text else answer.reason}"


def _by_tcp(target: str, timeout: float) -> str:
    host, colon, port = target.rpartition(":")
    if not colon or not port.isdigit():
        return "is neither http://host/path nor host:port"
    with socket.create_connection((host.strip("[]"), int(port)), timeout) as connection:
        connection.settimeout(_CLOSES)
        try:
            return "" if connection.recv(1) else "closed at once: nobody behind the proxy, or the call is denied"
        except socket.timeout:  # it stays open, and the server waits for us to speak
            return ""
