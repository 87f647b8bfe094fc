# SPDX-License-Identifier: Apache-2.0
"""TLS Secrets as Istio's gateways read them (istio.io, "Secure Gateways")."""

from __future__ import annotations

import base64

from ..model.objects import Object
from ..model.specs.gateway import TlsSecret


def secret(item: TlsSecret) -> Object:
    """A Secret of type ``kubernetes.io/tls``; with ``ca.crt`` for mutual TLS."""
    texts = {"tls.crt": item.certificate, "tls.key": item.key, **({"ca.crt": item.ca} if item.ca else {})}
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": item.name},
        "data": data,
    }
