# SPDX-License-Identifier: Apache-2.0
"""The token by which the agent asks for its first certificate; nothing of it is told but its end."""

from __future__ import annotations

import base64
import json
from typing import Any

from .running import text_of

TOKEN = "/var/run/secrets/tokens/istio-token"  # a path


def expiry(token: str) -> float:
    """The ``exp`` of a JSON Web Token (RFC 7519), in seconds since 1970; 0 where it has none."""
    parts = token.strip().split(".")
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(payload["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0


def look() -> dict[str, Any]:
    """``token`` as the module vm_host documents it."""
    token = text_of(TOKEN)
    return {"exists": bool(token.strip()), "expires": expiry(token)}
