# SPDX-License-Identifier: Apache-2.0
"""The ways in which a request fails: what API servers, load balancers and networks really do."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.faults.proxy import Answer, Exchange, Fault, Seen

_HTML = b"<html><head><title>503 Service Temporarily Unavailable</title></head><body>nginx</body></html>"


def _status(code: int, reason: str, message: str) -> Answer:
    body = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code}
    return Answer(code, json.dumps({**body, "reason": reason, "message": message}).encode())


_TOO_MANY = _status(429, "TooManyRequests", "too many requests, please try again later")
_LEADER_CHANGED = _status(500, "InternalError", "etcdserver: leader changed")
_TIMED_OUT = _status(500, "InternalError", "etcdserver: request timed out")
_CONFLICT = _status(409, "Conflict", "the object has been modified; please apply your changes to the latest version")
_UNAUTHORIZED = _status(401, "Unauthorized", "Unauthorized")
_FORBIDDEN = _status(403, "Forbidden", 'User "engine" cannot do this: role bindings are not there yet')
_EXPIRED = _status(410, "Expired", "too old resource version: 1 (2)")


def _instead(answer: Answer) -> Callable[[Exchange], None]:
    """This answer, and the API server never hears of the request."""
    return lambda exchange: exchange.reply(answer)


def _after(answer: Answer) -> Callable[[Exchange], None]:
    """This answer, though the API server did what it was asked."""

    def act(exchange: Exchange) -> None:
        exchange.forward()
        exchange.reply(answer)

    return act


def _reset_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reset()


def _hang_after(exchange: Exchange) -> None:
    exchange.forward()
    exchange.hang()


def _truncated(exchange: Exchange) -> None:
    answer = exchange.forward()
    cut = Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
    exchange.reply(cut, length=len(answer.body))
    exchange.close()


def _cut_json(exchange: Exchange) -> None:
    answer = exchange.forward()
    exchange.reply(Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers))


def _closed_after(exchange: Exchange) -> None:
    exchange.reply(exchange.forward())
    exchange.close()


def _twice(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reply(exchange.forward())


def _watch_ends(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.send_chunk(b"")


def _watch_breaks(exchange: Exchange) -> None:
    exchange.stream(events=1)
    exchange.reset()


def _watch_expires(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.send_chunk(json.dumps({"type": "ERROR", "object": json.loads(_EXPIRED.body)}).encode() + b"\n")
    exchange.send_chunk(b"")


def _kill_before(exchange: Exchange) -> None:
    exchange.proxy.kill()
    exchange.reset()


def _kill_after(exchange: Exchange) -> None:
    if not exchange.seen.watch:
        exchange.forward()
    exchange.proxy.kill()
    exchange.reset()


def _any(_seen: Seen) -> bool:
    return True


def _write(seen: Seen) -> bool:
    return seen.write


def _watch(seen: Seen) -> bool:
    return seen.watch


#: Every kind by its name, in the order of the round-robin.
KINDS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("reset-before", "connection reset, not processed", lambda exchange: exchange.reset(), _any),
        Fault("reset-after", "processed, then connection reset", _reset_after),
        Fault(
            "429-retry-after",
            "429 with Retry-After",
            _instead(Answer(429, _TOO_MANY.body, {**_TOO_MANY.headers, "Retry-After": "1"})),
            _any,
        ),
        Fault("429", "429 without Retry-After", _instead(_TOO_MANY), _any),
        Fault("503-html", "503 with an HTML page", _instead(Answer(503, _HTML, {"Content-Type": "text/html"})), _any),
        Fault("500-leader", "500 etcdserver: leader changed", _instead(_LEADER_CHANGED), _any),
        Fault("500-after", "processed, then 500 etcdserver: request timed out", _after(_TIMED_OUT)),
        Fault("truncated", "processed, connection closed within the body", _truncated),
        Fault("cut-json", "processed, half the JSON with right framing", _cut_json),
        Fault("hang-before", "no answer, not processed", lambda exchange: exchange.hang(), _any),
        Fault("hang-after", "processed, no answer", _hang_after),
        Fault("409", "409 without causes", _instead(_CONFLICT), _write),
        Fault("401", "401 once", _instead(_UNAUTHORIZED), _any),
        Fault("403", "403 once", _instead(_FORBIDDEN), _any),
        Fault("twice", "processed twice, the second answer", _twice, _write),
        Fault("closed-after", "answered, then the idle connection closed", _closed_after),
    )
}

#: What only a watch can do.
WATCHES: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("watch-410", "410 for a watch", _instead(_EXPIRED), _watch),
        Fault("watch-expires", "a watch that says 410 as an event", _watch_expires, _watch),
        Fault("watch-ends", "a watch that ends at once", _watch_ends, _watch),
        Fault("watch-breaks", "a watch that breaks after one event", _watch_breaks, _watch),
    )
}

#: The engine dies (SIGKILL) when this request arrives, or when it was processed.
KILLS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("kill-before", "SIGKILL, the request not processed", _kill_before, _any),
        Fault("kill-after", "SIGKILL, the request processed", _kill_after, _any),
    )
}
