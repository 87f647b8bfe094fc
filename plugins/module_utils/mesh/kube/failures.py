# SPDX-License-Identifier: Apache-2.0
"""What an API server answers when it refuses, as errors that name the cause and the remedy."""

from __future__ import annotations

import json
from typing import Any

from ..model.errors import MeshError


class ApiFailure(MeshError):
    """A response with a status code of 400 or more. ``causes`` are the Status object's details.causes."""

    def __init__(self, status: int, reason: str, causes: list[dict[str, Any]], error: MeshError) -> None:
        super().__init__(error.code, error.msg, where=error.where, hint=error.hint)
        self.status = status
        self.reason = reason
        self.causes = causes


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


def failure(status: int, body: bytes, where: str) -> ApiFailure:
    """The error for a refused request. HTML and truncated bodies are not shown, only named."""
    details = _status_object(body)
    message = details.get("message") or f"HTTP {status} without a Kubernetes Status ({len(body)} bytes)"
    causes = (details.get("details") or {}).get("causes") or []
    code, hint = _CODES.get(status, ("api_error", ""))
    if any(cause.get("reason") == "FieldManagerConflict" for cause in causes):
        code, message, hint = "field_conflict", _conflicts(causes), "set force to take these fields over"
    elif status == 403 and "because it is being terminated" in message:
        code, hint = "conflict", "wait until the namespace is gone, then run again"
    elif status in (422, 403) and "immutable" in message:
        code, hint = "conflict", "delete the object, or keep the old value"
    elif "denied the request" in message or "ValidatingAdmissionPolicy" in message:
        code, hint = "invalid_object", ""
    error = MeshError(code, " ".join(str(message).split()), where=where, hint=hint)
    return ApiFailure(status, details.get("reason") or "", causes, error)


def _status_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _conflicts(causes: list[dict[str, Any]]) -> str:
    named = [f"{cause.get('field', '?')} ({cause.get('message', '?')})" for cause in causes]
    return f"{len(named)} fields belong to others: {', '.join(named[:5])}{', ...' if len(named) > 5 else ''}"
