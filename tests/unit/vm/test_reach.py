# SPDX-License-Identifier: Apache-2.0
"""Real TLS and HTTP servers, and why they are not istiod or do not answer."""

from __future__ import annotations

import contextlib
import http.server
import os
import pwd
import socket
import ssl
import threading
from pathlib import Path

import pytest
from _vm.calls import call
from _vm.reach import as_the_agent, reach

from tests import certificates

NAME = "istiod.istio-system.svc"


@pytest.fixture
def served(tmp_path):
    """Serves TLS with the certificate of a name; gives port and the certificate, which is its own root."""
    with contextlib.ExitStack() as stack:

        def serve(name=NAME, days=1):
            key, certificate = certificates.key_and_certificate(name, days)
            (tmp_path / "key").write_bytes(key)
            (tmp_path / "certificate").write_bytes(certificate)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            threading.Thread(target=_accept, args=(listening, context), daemon=True).start()
            return listening.getsockname()[1], certificate.decode()

        yield serve


def _accept(listening, context):
    with contextlib.suppress(OSError):
        while True:
            plain, _ = listening.accept()
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secured:
                secured.recv(1)


def reason(port, root, name=NAME, address="127.0.0.1"):
    found = reach(address, port, name, root, timeout=2)
    assert found["ok"] is not bool(found["reason"])
    return found["reason"]


def test_istiod_answers(served):
    assert reason(*served()) == ""


def test_another_name(served):
    port, root = served("istiod-canary.istio-system.svc")
    assert reason(port, root) == f"its certificate is for istiod-canary.istio-system.svc, not for {NAME}"


def test_another_root(served):
    (port, _), (_, other) = served(), served()
    assert reason(port, other) == "its certificate is signed by itself, not by root-cert.pem"


def test_an_expired_certificate(served):
    assert "has expired: this host's clock is ahead" in reason(*served(days=-1))


def test_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    _, root = certificates.key_and_certificate(NAME)
    assert reason(port, root.decode()) == "refused: nothing listens there"


def test_what_listens_says_nothing():
    _, root = certificates.key_and_certificate(NAME)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert reason(server.getsockname()[1], root.decode()) == "no answer within 2 s: a firewall, or no route"


def test_what_listens_is_no_istiod(web):
    _, root = certificates.key_and_certificate(NAME)
    assert reason(web, root.decode()).startswith("no TLS: ")


def test_no_root():
    assert reason(1, "no PEM") == "the root certificate is no PEM certificate"


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ok" else 403)
        self.end_headers()
        self.wfile.write(b"RBAC: access denied")

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_calls_by_http(web):
    assert call(f"http://127.0.0.1:{web}/ok", 2)["reason"] == ""
    assert call(f"http://127.0.0.1:{web}/no", 2)["reason"] == "403: RBAC: access denied"
    assert call("ftp://127.0.0.1/", 2)["reason"] == "is neither http://host/path nor host:port"
    assert call("nonsense", 2)["reason"] == "is neither http://host/path nor host:port"


def test_calls_by_tcp(web):
    """What stays open is somebody; what closes at once is a proxy with nobody behind it."""
    assert call(f"127.0.0.1:{web}", 2)["ok"]

    with socket.create_server(("127.0.0.1", 0)) as server:

        def close():
            server.accept()[0].close()

        threading.Thread(target=close, daemon=True).start()
        found = call(f"127.0.0.1:{server.getsockname()[1]}", 2)
    assert found["reason"] == "closed at once: nobody behind the proxy, or the call is denied"
    assert call("no-such-name.invalid:80", 2)["reason"] == "no such host name"


def test_the_kernel_takes_it_for_the_agents(monkeypatch):
    """So it is not redirected to a proxy that listens nowhere yet."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    agent = pwd.getpwnam("nobody")
    monkeypatch.setattr(pwd, "getpwnam", {"istio-proxy": agent}.__getitem__)
    with socket.create_server(("127.0.0.1", 0)) as listening, as_the_agent():
        connected = socket.create_connection(listening.getsockname())
    with connected:
        assert owner(connected.getsockname()[1]) == agent.pw_uid
    assert (os.geteuid(), os.getegid()) == (0, 0)


def owner(port):
    """The user of the socket with that local port (proc(5), net/tcp)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return next(int(words[7]) for words in lines if words[1].endswith(f":{port:04X}"))
