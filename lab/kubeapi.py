# SPDX-License-Identifier: Apache-2.0
"""A few calls to an API server with the standard library: light enough for a process that runs all the time."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from lab.errors import LabError
from lab.kubeconfig import Access

_MANAGER = "meshops-lab"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"

Object = dict[str, Any]


class Api:
    """One API server, as one user."""

    def __init__(self, access: Access) -> None:
        self._server = access.server
        self._context = ssl.create_default_context(cafile=str(access.authority))
        self._context.load_cert_chain(access.certificate, access.key)

    def ready(self) -> bool:
        """Whether the server says that it is ready."""
        try:
            with self._open("GET", "/readyz", timeout=2) as response:
                return bool(response.read() == b"ok")
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str) -> Object | None:
        """An object or list; nothing when it does not exist or the server cannot be reached."""
        try:
            with self._open("GET", path) as response:
                return _decode(response.read())
        except (OSError, http.client.HTTPException):
            return None

    def apply(self, path: str, wanted: Object) -> None:
        """Server-side apply of one object at its path."""
        self._change("PATCH", f"{path}?fieldManager={_MANAGER}&force=true", wanted, _APPLY)

    def merge(self, path: str, patch: Object) -> None:
        """JSON merge patch of one object or subresource."""
        self._change("PATCH", f"{path}?fieldManager={_MANAGER}", patch, _MERGE)

    def watch(self, path: str, version: str, timeout_seconds: int) -> Iterator[Object]:
        """Watch events from a resource version on, until the server ends the watch."""
        query = f"{path}?watch=true&resourceVersion={version}&timeoutSeconds={timeout_seconds}"
        with self._open("GET", query, timeout=timeout_seconds + 30) as response:
            for line in response:
                yield _decode(line)

    def _change(self, method: str, path: str, body: Object, kind: str) -> None:
        try:
            with self._open(method, path, body, kind):
                pass
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")[:300]
            raise LabError(f"{self._server}{path} answered {error.code}: {reason}") from error

    def _open(
        self, method: str, path: str, body: Object | None = None, kind: str = "application/json", timeout: float = 30
    ) -> http.client.HTTPResponse:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "Content-Type": kind}
        request = urllib.request.Request(self._server + path, data=data, method=method, headers=headers)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )
        response: http.client.HTTPResponse = opener.open(request, timeout=timeout)
        return response


def _decode(data: bytes) -> Object:
    decoded: Object = json.loads(data)
    return decoded
