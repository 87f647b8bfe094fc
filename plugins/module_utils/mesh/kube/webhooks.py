# SPDX-License-Identifier: Apache-2.0
"""Admission webhooks that are reached by URL (an istiod outside the cluster)."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object
from .libraries import HTTPError, urllib3

_SECONDS = 5.0
_HINT = "look at what answers there, and at the certificate in the webhook's caBundle"


def ask(client: Mapping[str, Any], review: Object, where: str) -> Object:
    """The answer to an AdmissionReview; ``client`` is a clientConfig with a URL. Raises MeshError
    ``webhook_unavailable``."""
    url = str(client.get("url", ""))
    try:
        bundle = base64.b64decode(client.get("caBundle") or "").decode("ascii")
        tls = ssl.create_default_context(cadata=bundle or None)
        with urllib3.PoolManager(num_pools=1, ssl_context=tls, retries=False, timeout=_SECONDS) as pool:
            headers = {"Content-Type": "application/json"}
            answer = pool.request("POST", url, body=json.dumps(review).encode(), headers=headers)
        if answer.status != 200:
            raise ValueError(f"HTTP {answer.status}")
        found = json.loads(answer.data)
    except (HTTPError, OSError, ValueError) as error:
        text = f"the webhook at {url} does not answer: {error}"
        raise MeshError("webhook_unavailable", text, where=where, hint=_HINT) from None
    return found if isinstance(found, dict) else {}
