# SPDX-License-Identifier: Apache-2.0
"""HTTP to one API server: pooled keep-alive connections, one retry table, counted requests."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from ..model.errors import MeshError
from .config import Endpoint
from .failures import failure
from .libraries import HTTPError, SSLError, urllib3

#: Seconds that one request may go on being repeated; server-side apply and all reads may be repeated safely.
RETRY_BUDGET = 30.0
#: Seconds after which a server that never answered at all is called unreachable.
FIRST_CONTACT_BUDGET = 4.0
_CONNECT, _READ = 5.0, 60.0
_RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
#: Reasons in a 500 that repeating cannot mend within a run.
_FINAL = ("denied the request", "field not declared in schema", "failed to create typed patch object")
#: Methods that may be repeated when the outcome is unknown (a POST may have been processed).
_REPEATABLE = frozenset({"GET", "PATCH", "DELETE"})


class Transport:
    """Requests to one API server, from any number of threads. ``counts`` are requests by method."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self._endpoint = endpoint
        self._name = name
        self._answered = False
        self._cancelled = threading.Event()
        self.counts: Counter[str] = Counter()

    @property
    def server(self) -> str:
        """The address, for messages."""
        return self._endpoint.server

    def cancel(self) -> None:
        """Make every request and wait of this transport end soon."""
        self._cancelled.set()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        where: str = "",
    ) -> Any:
        """The parsed JSON answer. Raises ApiFailure for a refusal, MeshError when nobody answers."""
        raw = self.raw(method, path, query=query, body=body, content_type=content_type, accept=accept, where=where)
        try:
            return json.loads(raw)
        except ValueError as error:
            raise MeshError("api_error", "the answer is not JSON, or is cut off", where=where or path) from error

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "*/*",
        where: str = "",
    ) -> bytes:
        """Like :meth:`request`, with the body as it came."""
        headers = {"Accept": accept, "User-Agent": "meshops.mesh", **({"Content-Type": content_type} if body else {})}
        started, delay = time.monotonic(), 0.2
        while True:
            self.counts[method] += 1
            try:
                response = self._endpoint.pool.request(
                    method,
                    self._url(path, query),
                    body=body,
                    headers=self._headers(headers),
                    timeout=urllib3.Timeout(connect=_CONNECT, read=_READ),
                )
            except (HTTPError, OSError) as error:
                pause, again = delay, method in _REPEATABLE and not isinstance(_root(error), SSLError)
                problem: MeshError = self._unreachable(error)
            else:
                self._answered = True
                if response.status < 400:
                    return bytes(response.data)
                problem = failure(response.status, response.data, where or path)
                pause, again = _pause(response, delay, problem.msg)
                # A refused 429 was not processed; of anything else that cannot be known.
                again = again and (method in _REPEATABLE or response.status == 429)
            budget = RETRY_BUDGET if self._answered else FIRST_CONTACT_BUDGET
            if not again or time.monotonic() - started + pause > budget:
                raise problem
            if self._cancelled.wait(pause * random.uniform(0.8, 1.2)):
                raise MeshError("cancelled", "the run was stopped", where=where or path)
            delay = min(delay * 2, 10.0)

    def stream(self, path: str, query: Mapping[str, Any], read_timeout: float) -> Iterator[dict[str, Any]]:
        """One watch: its events, until the server ends it. A break ends it silently: the caller lists again."""
        self.counts["WATCH"] += 1
        try:
            response = self._endpoint.pool.request(
                "GET",
                self._url(path, query),
                headers=self._headers({"Accept": "application/json"}),
                timeout=urllib3.Timeout(connect=_CONNECT, read=read_timeout),
                preload_content=False,
            )
        except (HTTPError, OSError):
            return
        try:
            if response.status >= 400:
                raise failure(response.status, response.read(), path)
            pending = b""
            for chunk in response.stream(amt=None, decode_content=True):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)
        except (HTTPError, OSError, ValueError):
            return
        finally:
            response.close()

    def _headers(self, own: Mapping[str, str]) -> urllib3.HTTPHeaderDict:
        headers = self._endpoint.authorization()
        headers.extend(own)
        return headers

    def _url(self, path: str, query: Mapping[str, Any] | None) -> str:
        return f"{self._endpoint.server}{path}{'?' + urlencode(query) if query else ''}"

    def _unreachable(self, error: Exception) -> MeshError:
        root = _root(error)
        text = str(getattr(root, "strerror", None) or root).partition("\n")[0]
        hint = "check the address and that the cluster runs"
        if isinstance(root, SSLError) or "certificate" in text.lower():
            hint = "check ca_cert, or that this is the right cluster"
        return MeshError("cluster_unreachable", f"no answer from {self.server}: {text}", hint=hint)


def _pause(response: urllib3.BaseHTTPResponse, delay: float, message: str) -> tuple[float, bool]:
    """Seconds to wait before the next try, and whether there should be one."""
    if response.status not in _RETRIED_STATUS or any(text in message for text in _FINAL):
        return 0.0, False
    try:
        return max(float(response.headers.get("Retry-After", 0)), delay), True
    except ValueError:  # a date: rare, and our own pace is as good
        return delay, True


def _root(error: BaseException) -> BaseException:
    """The innermost cause that says something: urllib3 wraps what the system said."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _root(reason)
    inner = error.__cause__ or error.__context__
    return inner if isinstance(inner, OSError) else error
