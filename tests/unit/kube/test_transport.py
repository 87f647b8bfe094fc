# SPDX-License-Identifier: Apache-2.0
"""What is repeated and what is not, against a server that answers by a script."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mesh.kube import retrying, transport
from mesh.kube.config import endpoint
from mesh.kube.transport import Transport
from mesh.model.errors import MeshError
from mesh.model.options import Connection

HANG_UP, HANG = -1, -2


class Handler(BaseHTTPRequestHandler):
    """Answers with the next of the server's script, then with 200."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server.clients.add(self.client_address)
        server.seen.append((self.command, self.path, dict(self.headers), body))
        status, text, headers = server.script.pop(0) if server.script else (200, b"{}", {})
        if status == HANG_UP:
            self.close_connection = True
            return
        if status == HANG:
            time.sleep(0.6)
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in (headers or {"Content-Length": str(len(text))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *_: Any) -> None:
        """Tests look at what was seen."""


class Scripted(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[tuple[int, bytes, dict[str, str]]] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.clients: set[Any] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def server() -> Iterator[Scripted]:
    made = Scripted()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Pauses as long as the real ones would make the tests slow."""
    monkeypatch.setattr(retrying.random, "uniform", lambda _low, _high: 0.02)


def connected(server, **options):
    return Transport(endpoint(Connection(host=server.url, **options)), "test")


def status(message, **headers):
    text = json.dumps({"kind": "Status", "message": message}).encode()
    return text, {"Content-Length": str(len(text)), **{k.replace("_", "-"): v for k, v in headers.items()}}


@pytest.mark.parametrize(
    ("method", "answers", "requests", "code"),
    [
        ("GET", [503, 500], 3, None),
        ("PATCH", [502, 504], 3, None),
        ("DELETE", [429], 2, None),
        ("POST", [429], 2, None),
        ("POST", [503], 2, None),
        ("GET", [HANG_UP], 2, None),
        ("PATCH", [HANG_UP], 2, None),
        ("POST", [HANG_UP], 2, None),
        ("GET", [404], 1, "api_error"),
        ("PATCH", [409], 2, None),
        ("PATCH", [409] * 9, 5, "conflict"),
        ("PATCH", [301], 1, "cluster_unreachable"),
        ("PATCH", [422], 1, "invalid_object"),
        ("GET", [401], 1, "unauthorized"),
    ],
)
def test_what_is_repeated(server, method, answers, requests, code):
    server.script = [(answer, *status("no")) for answer in answers]
    tried = connected(server)
    if code:
        with pytest.raises(MeshError) as caught:
            tried.request(method, "/x", where="Thing x")
        assert caught.value.code == code
    else:
        assert tried.request(method, "/x") == {}
    assert [seen[0] for seen in server.seen] == [method] * requests
    assert tried.counts == {method: requests}


@pytest.mark.parametrize(("answer", "requests"), [(503, 1), (HANG_UP, 1), (429, 2)])
def test_what_must_not_happen_twice_is_repeated_only_when_it_did_not_happen(server, answer, requests):
    server.script = [(answer, *status("no"))]
    tried = connected(server)
    with contextlib.suppress(MeshError):
        tried.request("POST", "/x", repeat="once")
    assert len(server.seen) == requests


@pytest.mark.parametrize(
    "message", ['admission webhook "w" denied the request: no', "failed to create typed patch object: .x"]
)
def test_an_error_that_no_repetition_mends_is_told_at_once(server, message):
    server.script = [(500, *status(message))]
    with pytest.raises(MeshError, match=r"denied|typed patch"):
        connected(server).request("PATCH", "/x")
    assert len(server.seen) == 1


def test_a_server_that_says_when_is_obeyed(server, monkeypatch):
    pauses = []
    monkeypatch.setattr(threading.Event, "wait", lambda _self, seconds=None: pauses.append(seconds) and False)
    monkeypatch.setattr(retrying.random, "uniform", lambda _low, _high: 1.0)
    server.script = [(429, *status("slow", Retry_After="7")), (503, *status("slow", Retry_After="a date"))]
    tried = connected(server)
    assert tried.request("GET", "/x") == {}
    assert [pause for pause in pauses if pause in (7.0, 0.4)] == [7.0, 0.4]


def test_a_server_that_never_answers_is_given_up_soon(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_CONTACT_BUDGET", 0.3)
    closed = Scripted()
    closed.server_close()
    started = time.monotonic()
    with pytest.raises(MeshError) as caught:
        connected(closed).request("GET", "/version")
    assert time.monotonic() - started < 3
    assert (caught.value.code, str(caught.value)) == (
        "cluster_unreachable",
        f"no answer from {closed.url}: Connection refused (check the address and that the cluster runs)",
    )


def test_cancelled_while_it_pauses(server):
    server.script = [(503, *status("no"))] * 9
    tried = connected(server)
    tried.cancel()
    with pytest.raises(MeshError) as caught:
        tried.request("GET", "/x", where="Thing x")
    assert (caught.value.code, caught.value.where) == ("cancelled", "Thing x")
    assert server.seen == []
    with tried.last_words():
        assert tried.request("DELETE", "/lease") == {}
    assert tried.cancelled


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"items": [', b"[" * 100_000])
def test_an_answer_that_is_no_json_is_asked_for_again_and_then_names_the_place(server, monkeypatch, body):
    monkeypatch.setattr(retrying, "RETRY_BUDGET", 0.5)
    server.script = [(200, body, {})] * 9
    with pytest.raises(MeshError) as caught:
        connected(server).request("GET", "/x", where="list things")
    assert (caught.value.code, str(caught.value)) == (
        "api_error",
        f"list things: the answer is not JSON, or is cut off ({len(body)} bytes)",
    )
    assert len(server.seen) >= 2


def test_a_body_that_is_shorter_than_announced_is_asked_for_again(server):
    server.script = [(200, b'{"items"', {"Content-Length": "99", "Connection": "close"}), (200, b'{"a": 1}', {})]
    assert connected(server).request("GET", "/x") == {"a": 1}


def test_an_endless_answer_is_given_up(server, monkeypatch):
    monkeypatch.setattr(transport, "LARGEST", 1000)
    monkeypatch.setattr(retrying, "RETRY_BUDGET", 0.1)
    server.script = [(200, b"x" * 5000, {})] * 99
    with pytest.raises(MeshError, match="larger than 0 MiB or takes longer"):
        connected(server).request("GET", "/x")


def test_a_server_that_hangs_is_asked_again_on_another_connection(server, monkeypatch):
    monkeypatch.setattr(transport, "READ_TIMEOUT", 0.2)
    server.script = [(HANG, b"", {})]
    assert connected(server).request("GET", "/x") == {}
    assert len(server.clients) == 2


def test_a_token_that_expired_is_read_anew_once(server):
    server.script = [(401, *status("Unauthorized"))]
    kept, renewals = endpoint(Connection(host=server.url, api_key="old")), []

    def renew():
        renewals.append(1)
        return endpoint(Connection(host=server.url, api_key="new"))

    tried = Transport(kept, "test", renew)
    assert tried.request("GET", "/x") == {}
    assert [seen[2]["Authorization"] for seen in server.seen] == ["Bearer old", "Bearer new"]
    server.script = [(401, *status("Unauthorized"))] * 2
    with pytest.raises(MeshError) as caught:
        tried.request("GET", "/x")
    assert (caught.value.code, len(renewals)) == ("unauthorized", 2)


def test_a_redirect_is_not_followed_with_the_token(server):
    server.script = [(307, b"", {"Location": server.url + "/elsewhere", "Content-Length": "0"})]
    with pytest.raises(MeshError, match="redirect"):
        connected(server, api_key="t").request("GET", "/x")
    assert [seen[1] for seen in server.seen] == ["/x"]


def test_warnings_are_kept_once_and_in_plain_text(server):
    text, headers = status("ok")
    warned = {**headers, "Warning": '299 - "this API\x1b[31m is deprecated"'}
    searched = {**headers, "Warning": '299 - "that one, too"'}
    server.script = [(200, text, warned), (200, text, warned), (200, text, searched)]
    tried = connected(server)
    tried.request("PATCH", "/x")
    tried.request("PATCH", "/x")
    tried.request("GET", "/y")
    assert list(tried.notices)[1:] == ["this API\\x1b[31m is deprecated"]  # the first is that there is no TLS


def test_the_servers_clock_is_read_from_its_answers(server):
    tried = connected(server)
    assert tried.clock_offset == 0.0
    tried.request("GET", "/x")
    assert tried.clock_offset != 0.0  # the header has whole seconds
    assert abs(tried.server_time - time.time()) < 2


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, {"Authorization": None, "User-Agent": "meshops.mesh/1.0.0"}),
        ({"api_key": "t"}, {"Authorization": "Bearer t"}),
        (
            {"impersonate_user": "jane", "impersonate_groups": ("a",)},
            {"Impersonate-User": "jane", "Impersonate-Group": "a"},
        ),
    ],
)
def test_headers(server, options, headers):
    connected(server, **options).request("GET", "/x")
    sent = server.seen[0][2]
    assert {name: sent.get(name) for name in headers} == headers


def test_queries_and_bodies(server):
    connected(server).request("PATCH", "/x", query={"a": "b c", "n": 1}, body=b"{}", content_type="text/x")
    _, path, headers, body = server.seen[0]
    assert (path, headers["Content-Type"], body) == ("/x?a=b+c&n=1", "text/x", b"{}")


def test_a_watch_ends_silently_when_it_is_cut(server):
    chunks = (b'{"type": "ADDED", "object": {}}\n{"ty', b'pe": "MODIFIED", "object": {}}\n{"type": "DEL')
    cut = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    server.script = [(200, cut, {"Transfer-Encoding": "chunked", "Connection": "close"})]
    tried = connected(server)
    assert [event["type"] for event in tried.stream("/x", {"watch": "1"}, 0.5)] == ["ADDED", "MODIFIED"]
    assert tried.counts == {"WATCH": 1}


def test_a_watch_that_is_refused_says_so(server):
    server.script = [(410, *status("too old"))]
    with pytest.raises(MeshError, match="too old"):
        list(connected(server).stream("/x", {"watch": "1"}, 0.5))


def test_requests_share_one_connection(server):
    tried = connected(server)
    for _ in range(20):
        tried.request("GET", "/x")
    assert len(server.clients) == 1
