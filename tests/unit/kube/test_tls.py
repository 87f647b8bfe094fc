# SPDX-License-Identifier: Apache-2.0
"""Certificates that do not fit, and addresses of which one is dead: against servers on this machine's loopback."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from http.server import ThreadingHTTPServer

import pytest
from mesh.kube.config import endpoint
from mesh.kube.transport import Transport
from mesh.model.errors import MeshError
from mesh.model.options import Connection

from tests.certificates import key_and_certificate

from .test_transport import Handler, Scripted


@pytest.mark.parametrize(
    ("host", "days", "trusted", "complaint"),
    [
        ("localhost", 1, True, ""),
        ("elsewhere", 1, True, "Hostname mismatch"),
        ("localhost", -1, True, "certificate has expired"),
        ("localhost", 1, False, "self-signed certificate"),
    ],
)
def test_a_certificate_that_does_not_fit_is_final(tmp_path, host, days, trusted, complaint):
    key, certificate = key_and_certificate(host, days)
    pem = tmp_path / "server.pem"
    pem.write_bytes(key + certificate)
    authority = tmp_path / "ca.crt"
    authority.write_bytes(certificate if trusted else key_and_certificate("localhost")[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = Scripted()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        url = f"https://localhost:{server.server_address[1]}"
        tried = Transport(endpoint(Connection(host=url, ca_cert=str(authority), api_key="geheim")), "test")
        started = time.monotonic()
        if not complaint:
            assert tried.request("GET", "/x") == {}
            return
        with pytest.raises(MeshError, match=complaint) as caught:
            tried.request("GET", "/x")
        assert caught.value.code == "cluster_unreachable"
        assert caught.value.hint == "check ca_cert, or that this is the right cluster"
        assert time.monotonic() - started < 2
        assert server.seen == [], "no token may have been sent"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("dead_first", [True, False])
def test_one_address_of_many_is_dead(monkeypatch, dead_first):
    """The resolver is ours; the addresses are real: 127.0.0.2 has no server on this port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.script, server.seen, server.clients = [], [], set()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    port, real = server.server_address[1], socket.getaddrinfo
    addresses = ["127.0.0.2", "127.0.0.1"] if dead_first else ["127.0.0.1", "127.0.0.2"]

    def resolve(host, *arguments, **options):
        if host != "api.meshops.invalid":
            return real(host, *arguments, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        tried = Transport(endpoint(Connection(host=f"http://api.meshops.invalid:{port}")), "test")
        assert tried.request("GET", "/x") == {}
        assert (tried.retries, len(server.seen)) == (0, 1)
    finally:
        server.shutdown()
        server.server_close()
