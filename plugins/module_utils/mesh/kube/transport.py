# SPDX-License-Identifier: Apache-2.0
"""HTTP to one API server: pooled keep-alive connections, repeated where it helps, counted, and stoppable."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlencode

from ..model.errors import MeshError
from ..model.secrets import Secrets
from .config import Endpoint
from .failures import ApiFailure, Unanswered, failure, plain
from .libraries import HTTPError, SSLError, urllib3
from .retrying import Attempts, rule_for
from .throttle import Throttle

#: Requests in flight to one API server (API priority and fairness gives a person about 49 seats).
IN_FLIGHT = 8
#: Seconds to connect, and seconds of silence after which an answer is given up.
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 30.0
#: Bytes of one answer, and seconds until it is complete; a page of the largest objects stays far below.
LARGEST, LONGEST = 512 * 2**20, 300.0
_CHUNK = 1 << 20
#: Seconds of silence after which something behind the API server is given up.
_PATIENCE = 10.0
USER_AGENT = "meshops.mesh/1.0.0"


@dataclass(frozen=True)
class Call:
    """One request as it is sent, however often.

    ``where`` names the object in messages. ``repeat``: ``safe`` to do twice, only ``once`` (it is repeated when the
    server surely did not do it), or ``guarded`` by the state that the request expects (a conflict is final then).
    ``optional``: the caller goes on when it is forbidden, so nobody need be allowed to.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: bytes | None = None
    content_type: str = "application/json"
    accept: str = "*/*"
    where: str = ""
    repeat: Literal["safe", "once", "guarded"] = "safe"
    optional: bool = False

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}{'?' + urlencode(self.query) if self.query else ''}"

    @property
    def headers(self) -> dict[str, str]:
        """What goes beside the credentials."""
        own = {"Accept": self.accept, "User-Agent": USER_AGENT}
        return {**own, "Content-Type": self.content_type} if self.body else own


class Transport:
    """Requests to one API server, from any number of threads.

    ``counts`` are requests by method, ``retries`` how many of them were repetitions, ``notices`` what the server
    warned of. ``renew`` loads the credentials anew. ``secrets`` are what passed here, and the credentials.
    """

    def __init__(self, endpoint: Endpoint, name: str, renew: Callable[[], Endpoint] | None = None) -> None:
        self._endpoint = endpoint
        self._name = name
        self._renew = renew
        self._renewing = threading.Lock()
        self._answered = False
        self._cancelled = threading.Event()
        self._throttle = Throttle(IN_FLIGHT)
        self._clock_offset: float | None = None
        self.counts: Counter[str] = Counter()
        self.retries = 0
        self.notices: dict[str, None] = dict.fromkeys(endpoint.cautions)
        self.secrets = Secrets()
        self.secrets.learn(endpoint.secrets)

    @property
    def server(self) -> str:
        """The address, for messages."""
        return self._endpoint.server

    @property
    def server_time(self) -> float:
        """Seconds since the epoch by the API server's clock, to the second."""
        return time.time() + (self._clock_offset or 0.0)

    @property
    def clock_offset(self) -> float:
        """Seconds by which the API server's clock is ahead of ours; 0 before the first answer."""
        return self._clock_offset or 0.0

    def cancel(self) -> None:
        """Make every request and wait of this transport end soon."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether the run is being stopped."""
        return self._cancelled.is_set()

    def pause(self, seconds: float, where: str = "") -> None:
        """Sleep; raises MeshError ``cancelled`` when the run is stopped meanwhile."""
        if self._cancelled.wait(seconds):
            raise MeshError("cancelled", "the run was stopped", where=where, hint="run again; it goes on from there")

    @contextmanager
    def last_words(self) -> Iterator[None]:
        """Requests inside are sent even when the run was cancelled: what must be tidied up."""
        cancelled = self._cancelled.is_set()
        self._cancelled.clear()
        try:
            yield
        finally:
            if cancelled:
                self._cancelled.set()

    def request(self, method: str, path: str, **options: Any) -> Any:
        """The parsed JSON answer; options are those of :class:`Call`. Raises MeshError."""
        return self.raw(method, path, decode=_parsed, **{"accept": "application/json", **options})

    def raw(self, method: str, path: str, *, decode: Callable[[bytes], Any] = bytes, **options: Any) -> Any:
        """The answer's body, or what ``decode`` makes of it. Raises ApiFailure for a refusal, Unanswered when no
        usable answer comes."""
        call, attempts, renewed = Call(method, path, **options), Attempts(), False
        where = call.where or call.path
        while True:
            self.pause(0, where)
            endpoint = self._endpoint
            try:
                return decode(self._once(call, endpoint))
            except (ApiFailure, Unanswered) as error:
                error.where = error.where or (where if self._answered else "")
                if isinstance(error, ApiFailure) and error.status == 401 and not renewed and self._renew:
                    renewed = True
                    self._renew_credentials(endpoint, error)
                    continue
                pause = self._pause_before_next(error, call, attempts)
                if pause is None:
                    raise
                self.retries += 1
            self.pause(pause, where)

    def _pause_before_next(self, error: ApiFailure | Unanswered, call: Call, attempts: Attempts) -> float | None:
        rule = rule_for(error, answered=self._answered, repeatable=call.repeat != "once")
        if rule.overload:
            self._throttle.overloaded()
        return attempts.pause_before_next(rule, error.retry_after if isinstance(error, ApiFailure) else 0.0)

    def _once(self, call: Call, endpoint: Endpoint) -> bytes:
        self.counts[call.method] += 1
        with self._throttle.slot():
            try:
                response = self._send(call, endpoint, READ_TIMEOUT)
                status, headers, body = response.status, response.headers, _whole(response)
            except (HTTPError, OSError) as error:
                raise self._unreachable(error) from error
        self._answered = True
        self._note(headers, warned=call.method != "GET")
        if status < 300:
            self._throttle.succeeded()
            return body
        if status < 400:
            text = f"the server answers with a redirect ({status}), which is not followed"
            raise Unanswered("cluster_unreachable", text, hint="check the address", final=True)
        refusal = failure(status, body, call.where or call.path, self.secrets.hide_strictly)
        refusal.guarded = call.repeat == "guarded"
        refusal.retry_after = _seconds(headers.get("Retry-After"))
        raise refusal

    def _send(self, call: Call, endpoint: Endpoint, read_timeout: float) -> urllib3.BaseHTTPResponse:
        headers = endpoint.authorization()
        headers.extend(call.headers)
        return endpoint.pool.request(
            call.method,
            endpoint.server + call.url,
            body=call.body,
            headers=headers,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=read_timeout),
            preload_content=False,
            redirect=False,  # a token must not follow to another host
        )

    def once(self, path: str, where: str) -> tuple[int, bytes]:
        """Status and body of one GET, whoever gave them: for answers that are not the API server's own. Raises
        Unanswered when none comes."""
        self.counts["GET"] += 1
        with self._throttle.slot():
            try:
                response = self._send(Call("GET", path, where=where), self._endpoint, _PATIENCE)
                return response.status, _whole(response)
            except (HTTPError, OSError) as error:
                raise self._unreachable(error) from error

    def stream(self, path: str, query: Mapping[str, Any], read_timeout: float) -> Iterator[dict[str, Any]]:
        """One watch: its events, until the server ends it. A break ends it silently: the caller lists again."""
        self.counts["WATCH"] += 1
        try:
            response = self._send(Call("GET", path, query, accept="application/json"), self._endpoint, read_timeout)
        except (HTTPError, OSError):
            return
        try:
            if response.status >= 300:
                raise failure(response.status, response.read(_CHUNK), path, self.secrets.hide_strictly)
            pending = b""
            for chunk in response.stream(amt=None, decode_content=True):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)
        except (HTTPError, OSError, ValueError, RecursionError):
            return
        finally:
            response.close()

    def _renew_credentials(self, used: Endpoint, refusal: ApiFailure) -> None:
        """Load them again, once for all threads that were refused; raises the refusal when they cannot be loaded."""
        with self._renewing:
            if self._renew and self._endpoint is used:
                try:
                    self._endpoint = self._renew()
                    self.secrets.learn(self._endpoint.secrets)
                except MeshError:
                    raise refusal from None

    def _note(self, headers: Mapping[str, str], *, warned: bool) -> None:
        """``warned``: keep the server's warnings; those of a search through all kinds say nothing of a declaration."""
        if self._clock_offset is None and "Date" in headers:
            try:
                self._clock_offset = parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
            except ValueError:
                self._clock_offset = 0.0
        if warned and "Warning" in headers:  # 299 - "text" (RFC 7234, section 5.5)
            text = headers["Warning"].partition('"')[2].rstrip('"') or headers["Warning"]
            self.notices[plain(self.secrets.hide_strictly(text))] = None

    def _unreachable(self, error: Exception) -> Unanswered:
        root = _root(error)
        text = plain(getattr(root, "strerror", None) or root)
        certificate = isinstance(root, (SSLError, ssl.SSLCertVerificationError))
        hint = "check ca_cert, or that this is the right cluster" if certificate else _HINT
        msg = f"no answer from {self.server}: {text}"
        if isinstance(root, _Garbled):
            msg = f"the answer of {self.server} cannot be used: {text}"
        return Unanswered("cluster_unreachable", msg, hint=hint, final=certificate)


_HINT = "check the address and that the cluster runs"


class _Garbled(OSError):
    """An answer that came, and is not usable."""


def _whole(response: urllib3.BaseHTTPResponse) -> bytes:
    """All of an answer; an endless one is given up."""
    parts, size, started = [], 0, time.monotonic()
    # What has come, at once: a drip of single bytes must not hide in one long read (urllib3 before 2.1 has no read1).
    read = getattr(response, "read1", response.read)
    try:
        while chunk := read(_CHUNK):
            parts.append(chunk)
            size += len(chunk)
            if size > LARGEST or time.monotonic() - started > LONGEST:
                raise _Garbled(f"it is larger than {LARGEST >> 20} MiB or takes longer than {LONGEST:.0f} s")
        return parts[0] if len(parts) == 1 else b"".join(parts)
    except BaseException:
        response.close()
        raise
    finally:
        response.release_conn()


def _parsed(body: bytes) -> Any:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        raise Unanswered("api_error", f"the answer is not JSON, or is cut off ({len(body)} bytes)") from None
    if not isinstance(parsed, dict):
        raise Unanswered("api_error", f"the answer is no JSON object ({len(body)} bytes)")
    return parsed


def _seconds(retry_after: str | None) -> float:
    """Retry-After in seconds; the other form, a date, is rare, and our own pace is as good."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0


def _root(error: BaseException) -> BaseException:
    """The innermost cause that says something: urllib3 wraps what the system said."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _root(reason)
    inner = error.__cause__ or error.__context__
    return inner if isinstance(inner, OSError) else error
