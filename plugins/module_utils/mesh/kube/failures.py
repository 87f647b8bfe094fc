# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a request, as errors that name the cause and the remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..model.errors import MeshError


class Unanswered(MeshError):
    """No answer came, or none that can be used. ``final``: another try meets the same (a certificate)."""

    def __init__(self, code: str, msg: str, *, where: str = "", hint: str = "", final: bool = False) -> None:
        super().__init__(code, msg, where=where, hint=hint)
        self.final = final


class ApiFailure(MeshError):
    """A response with a status code of 400 or more. ``causes`` are the Status object's details.causes; ``guarded``
    says that the request named the state which it expected (a resourceVersion, a uid)."""

    def __init__(self, status: int, reason: str, causes: list[dict[str, Any]], error: MeshError) -> None:
        super().__init__(error.code, error.msg, where=error.where, hint=error.hint)
        self.status = status
        self.reason = reason
        self.causes = causes
        self.guarded = False
        #: Seconds that the server asks to wait.
        self.retry_after = 0.0

    @property
    def refused(self) -> bool:
        """Whether the server surely did nothing: it looked at the request and would not."""
        return self.status in (400, 403, 404, 409, 422) or self.code == "invalid_object"

    @property
    def immutable(self) -> list[str]:
        """The immutable fields that would have changed; ``["?"]`` where the server does not name them."""
        if self.code != "immutable":
            return []
        return sorted({str(cause["field"]) for cause in self.causes if cause.get("field")}) or ["?"]


#: status code -> (our code, hint)
_CODES: dict[int, tuple[str, str]] = {
    400: ("invalid_object", ""),
    401: ("unauthorized", "the credential is wrong or expired"),
    403: ("forbidden", "grant it, or use other credentials"),
    404: ("api_error", ""),
    409: ("conflict", "run again"),
    413: ("invalid_object", "the object is too large for the API server"),
    422: ("invalid_object", ""),
    429: ("api_error", "the API server is overloaded; run again later"),
}
#: How API servers say that a field cannot change once the object is there.
_IMMUTABLE = re.compile(r"immutable|may not change once set|cannot change roleRef|updates to .* are forbidden")
#: (part of the message) -> (our code, hint), stronger than the status.
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    ("because it is being terminated", "conflict", "wait until the namespace is gone, then run again"),
    ("denied the request", "invalid_object", ""),
    ("ValidatingAdmissionPolicy", "invalid_object", ""),
    ("unable to convert unstructured object", "invalid_object", ""),
    ("failed to create typed", "invalid_object", "correct the field that it names"),
    ("failed calling webhook", "webhook_unavailable", "look at the pods behind this webhook, or remove it"),
    ("request is too large", "invalid_object", "the object is too large for etcd; split it"),
    ("database space exceeded", "api_error", "etcd is out of space: compact, defragment, or raise its quota"),
)
_LONGEST = 2000


def failure(status: int, body: bytes, where: str, hide: Callable[[str], str] = str) -> ApiFailure:
    """The error for a refused request. HTML and truncated bodies are not shown, only named; ``hide`` takes secrets out
    of what the server says, which may repeat what it refuses."""
    details = _status_object(body)
    message = details.get("message") or f"HTTP {status} without a Kubernetes Status ({len(body)} bytes)"
    causes = (details.get("details") or {}).get("causes") or []
    code, hint = _CODES.get(status, ("api_error", ""))
    meaning = next((meaning for meaning in _MEANINGS if meaning[0] in message), None)
    if any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        code, message, hint = "field_conflict", _conflicts(causes), "set force to take these fields over"
    elif status in (422, 403) and _is_immutable(message, causes):
        code, hint = "immutable", "keep the old value, or set recreate to delete the object and make it anew"
    elif meaning:
        code, hint = meaning[1:]
    error = MeshError(code, plain(hide(str(message))), where=where, hint=hint)
    return ApiFailure(status, details.get("reason") or "", causes, error)


def _is_immutable(message: str, causes: list[dict[str, Any]]) -> bool:
    """Whether nothing but immutable fields is wrong: else a new object would be refused, too."""
    told = [str(cause["message"]) for cause in causes if cause.get("message")]
    return all(map(_IMMUTABLE.search, told)) if told else bool(_IMMUTABLE.search(message))


def plain(text: object) -> str:
    """One line without control characters: what a cluster says must not steer a terminal or fake a log line."""
    line = " ".join(str(text).split())
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in line)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]} ... ({len(shown)} characters)"


def of_server(body: bytes) -> str | None:
    """What the API server itself says in an answer; None where the body is somebody else's."""
    told = _status_object(body)
    if told.get("kind") != "Status" or told.get("apiVersion") != "v1":
        return None
    return plain(told.get("message") or told.get("reason") or "")


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _conflicts(causes: list[dict[str, Any]]) -> str:
    named = [f"{cause.get('field', '?')} ({cause.get('message', '?')})" for cause in causes]
    return f"{len(named)} fields belong to others: {', '.join(named[:5])}{', ...' if len(named) > 5 else ''}"
