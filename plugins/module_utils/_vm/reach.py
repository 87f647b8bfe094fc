# SPDX-License-Identifier: Apache-2.0
"""Whether istiod answers at an address, with a certificate that the agent will accept."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import ssl
from typing import Any, Iterator

#: As whom the agent runs.
_AGENT = "istio-proxy"

#: OpenSSL's X509_V_ERR_* -> what it means to somebody who joins a host.
_VERDICTS = {
    2: "its certificate is of another root than root-cert.pem",
    9: "its certificate is not valid yet: this host's clock is behind, or istiod's ahead",
    10: "its certificate has expired: this host's clock is ahead, or istiod renews nothing",
    18: "its certificate is signed by itself, not by root-cert.pem",
    19: "its certificate is of another root than root-cert.pem",
    20: "its certificate is of another root than root-cert.pem",
    21: "its certificate is of another root than root-cert.pem",
    7: "its certificate is of another root than root-cert.pem: the signature does not fit",
}


def reach(address: str, port: int, name: str, root: str, timeout: float) -> dict[str, Any]:
    """``{address, port, ok, reason}``; ``root`` in PEM. The name is looked for here, to tell which ones there are."""
    told = {"address": address, "port": port, "ok": False}
    try:
        context = _context(root)
    except (ssl.SSLError, ValueError):
        return dict(told, reason="the root certificate is no PEM certificate")
    try:
        with as_the_agent():
            plain = socket.create_connection((address, port), timeout)
        with plain, context.wrap_socket(plain, server_hostname=name) as secured:
            names = _names(secured.getpeercert())
    except (OSError, ValueError) as error:
        return dict(told, reason=said(error, timeout))
    if name not in names:
        return dict(told, reason="its certificate is for {}, not for {}".format(", ".join(names) or "no name", name))
    return dict(told, ok=True, reason="")


@contextlib.contextmanager
def as_the_agent() -> Iterator[None]:
    """Sockets made meanwhile are the agent's to the kernel: those of others are redirected to the proxy, and one that
    has no certificate listens nowhere. Only root can do so, and only where the agent is installed."""
    try:
        agent = pwd.getpwnam(_AGENT)
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


def _context(root: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # looked at afterwards
    context.load_verify_locations(cadata=root)
    return context


def _names(certificate: Any) -> list[str]:
    return [value for kind, value in (certificate or {}).get("subjectAltName", ()) if kind == "DNS"]


def said(error: Exception, timeout: float) -> str:
    """Why there is no connection, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERDICTS.get(error.verify_code, f"its certificate is refused: {error.verify_message}")
    if isinstance(error, socket.timeout):
        return f"no answer within {timeout:g} s: a firewall, or no route"
    if isinstance(error, ConnectionRefusedError):
        return "refused: nothing listens there"
    if isinstance(error, ConnectionResetError):
        return "the connection was reset: what listens there does not lead to istiod"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return "no such host name"
    return getattr(error, "strerror", None) or str(error)
