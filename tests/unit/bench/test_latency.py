# SPDX-License-Identifier: Apache-2.0
"""The forwarder takes as long as it says, and loses nothing."""

from __future__ import annotations

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from bench.latency import delayed

ROUND_TRIP = 0.1
BODY = bytes(range(256)) * 4000


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format, *args):
        pass


@pytest.fixture
def server():
    found = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{found.server_port}"
    found.shutdown()
    found.server_close()


def test_a_request_takes_a_round_trip_and_the_first_one_more_for_the_handshake(server):
    with delayed(server, ROUND_TRIP) as address:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(address).port, timeout=20)
        took = []
        for _ in range(4):
            started = time.monotonic()
            connection.request("GET", "/")
            assert connection.getresponse().read() == BODY
            took.append(time.monotonic() - started)
        connection.close()
    assert took[0] >= 2 * ROUND_TRIP
    assert ROUND_TRIP <= min(took[1:]) < 2 * ROUND_TRIP
