# SPDX-License-Identifier: Apache-2.0
"""A reverse proxy on loopback between the engine and a real API server: numbers requests and spoils one of them."""

from __future__ import annotations

import contextlib
import http.client
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from lab import certs, kubeconfig
from lab.kubeconfig import Access

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Headers that belong to one connection, or that we compute anew.
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "upgrade"})
_NO_LINGER = struct.pack("ii", 1, 0)
_UPSTREAM_SECONDS = 90.0


@dataclass(frozen=True)
class Answer:
    """A whole answer: what came from the API server, or what a fault makes up."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass
class Seen:
    """A request in order of arrival; ``status`` stays 0 when nothing was answered."""

    number: int
    method: str
    path: str
    fault: str = ""
    status: int = 0

    @property
    def query(self) -> Mapping[str, list[str]]:
        """The parameters of the address."""
        return parse_qs(urlsplit(self.path).query)

    @property
    def watch(self) -> bool:
        """Whether the answer is a stream of events."""
        return self.query.get("watch", ["0"])[0] in ("1", "true")

    @property
    def write(self) -> bool:
        """Whether it changes the cluster: dry runs and reviews do not."""
        return self.method in _CHANGING and "dryRun" not in self.query and "reviews" not in self.path

    def __str__(self) -> str:
        return f"#{self.number} {self.method} {self.path}"


@dataclass(frozen=True)
class Fault:
    """One way to spoil a request, and which requests it makes sense for."""

    name: str
    about: str
    act: Callable[[Exchange], None]
    applies: Callable[[Seen], bool] = lambda seen: not seen.watch


@dataclass(frozen=True)
class Plan:
    """The fault hits the first request from number ``index`` on to which it applies; once."""

    fault: Fault
    index: int


class Proxy:
    """Serves one run of the engine; ``seen`` is what it asked for. Closing it ends every connection."""

    def __init__(self, upstream: Access, directory: Path, plan: Plan | None = None) -> None:
        self.plan = plan
        self.kill: Callable[[], None] = lambda: None
        self.seen: list[Seen] = []
        self.hit: Seen | None = None
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._upstreams: set[http.client.HTTPSConnection] = set()
        self._clients: set[socket.socket] = set()
        self._upstream_address = urlsplit(upstream.server)
        self._upstream_tls = ssl.create_default_context(cafile=str(upstream.authority))
        self._upstream_tls.load_cert_chain(upstream.certificate, upstream.key)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pki = directory / "pki"
        certs.write_all(pki, "faults", _IDENTITIES)
        self.tls.load_cert_chain(pki / "proxy.crt", pki / "proxy.key")
        self._server = _Server(self)
        address = f"https://127.0.0.1:{self._server.server_address[1]}"
        self.kubeconfig = directory / "kubeconfig"
        kubeconfig.write(self.kubeconfig, {"faults": Access(address, pki, "engine")})
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="proxy").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            upstreams, clients = list(self._upstreams), list(self._clients)
        for upstream in upstreams:
            with contextlib.suppress(OSError):
                if upstream.sock:
                    upstream.sock.shutdown(socket.SHUT_RDWR)
        for client in clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    @property
    def writes(self) -> list[Seen]:
        """The requests that changed the cluster, or could have."""
        return [item for item in self.seen if item.write]

    def number(self, method: str, path: str) -> tuple[Seen, Fault | None]:
        """Note a request; and what is to happen to it."""
        with self._lock:
            item = Seen(len(self.seen), method, path)
            self.seen.append(item)
            plan = self.plan
            if plan is None or self.hit or item.number < plan.index or not plan.fault.applies(item):
                return item, None
            self.hit = item
            item.fault = plan.fault.name
            return item, plan.fault

    def connect(self) -> http.client.HTTPSConnection:
        """A connection to the API server."""
        address = self._upstream_address
        made = http.client.HTTPSConnection(
            str(address.hostname), address.port, timeout=_UPSTREAM_SECONDS, context=self._upstream_tls
        )
        with self._lock:
            self._upstreams.add(made)
        return made

    def forget(self, upstream: http.client.HTTPSConnection) -> None:
        """That connection is over."""
        upstream.close()
        with self._lock:
            self._upstreams.discard(upstream)

    def client(self, connection: socket.socket, *, gone: bool = False) -> None:
        """The engine opened or ended a connection."""
        with self._lock:
            (self._clients.discard if gone else self._clients.add)(connection)


_IDENTITIES = {
    "proxy": certs.Identity("fault-proxy", hosts=["127.0.0.1"], server=True),
    "engine": certs.Identity("engine", client=True),
}


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), Exchange)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ends of connections are what this is about; everything else must be seen."""
        import sys

        error = sys.exception()
        if not isinstance(error, OSError | http.client.HTTPException) and not self.proxy.closing.is_set():
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Exchange(BaseHTTPRequestHandler):
    """One connection of the engine, request by request, with all that a fault may do to it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    seen: Seen

    def setup(self) -> None:
        self.proxy = self.server.proxy
        self.request = self.proxy.tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        self.proxy.client(self.request)
        self.upstream = self.proxy.connect()
        super().setup()
        self.request.settimeout(_UPSTREAM_SECONDS)
        self.request.do_handshake()

    def finish(self) -> None:
        self.proxy.forget(self.upstream)
        self.proxy.client(self.request, gone=True)
        with contextlib.suppress(OSError):
            super().finish()
        with contextlib.suppress(OSError):
            self.request.close()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are kept, not printed."""

    def serve(self) -> None:
        """One request: as the API server answers, or as the fault wants."""
        self.sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen, fault = self.proxy.number(self.command, self.path)
        if fault:
            fault.act(self)
        elif self.seen.watch:
            self.stream()
        else:
            self.reply(self.forward())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def forward(self) -> Answer:
        """Let the API server process the request."""
        response = self._open()
        headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
        return Answer(response.status, response.read(), headers)

    def _open(self) -> http.client.HTTPResponse:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        self.upstream.request(self.command, self.path, self.sent or None, headers)
        return self.upstream.getresponse()

    def reply(self, answer: Answer, *, length: int | None = None) -> None:
        """Answer the engine; ``length`` announces another length than that of the body."""
        self.seen.status = answer.status
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if length is None else length))
        # Head and body in one segment: two would cost a delayed acknowledgement.
        self._headers_buffer.append(b"\r\n" + answer.body)  # type: ignore[attr-defined]
        self.flush_headers()

    def stream(self, *, events: int | None = None) -> None:
        """Pass a watch through, to its end or only so many events; an error is passed on as it is."""
        response = self._open()
        if response.status >= 400:
            self.reply(Answer(response.status, response.read()))
            return
        self.begin_stream(response.status)
        for count, line in enumerate(response):
            if count == events:
                return
            self.send_chunk(line)
        self.send_chunk(b"")

    def begin_stream(self, status: int = 200) -> None:
        """The head of an answer in chunks."""
        self.seen.status = status
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def send_chunk(self, data: bytes) -> None:
        """One piece of it; an empty one is the end."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def close(self) -> None:
        """End the connection as a peer that has nothing more to say."""
        self.close_connection = True

    def reset(self) -> None:
        """End the connection as a peer that is gone."""
        self.close_connection = True
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)

    def hang(self) -> None:
        """Never answer: until the engine gives up, or the run is over."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.request.recv(1)
