# SPDX-License-Identifier: Apache-2.0
"""Injection webhooks as charts and istioctl leave them, but for pods that do not exist; and one that answers."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mesh.kube.cluster import Cluster

from tests.certificates import key_and_certificate

API = "admissionregistration.k8s.io/v1"
KIND = "MutatingWebhookConfiguration"
PATH = f"/apis/{API}/mutatingwebhookconfigurations"


def injector(name: str, labels: dict[str, str], *, default: bool = False) -> dict[str, Any]:
    """A webhook with the marks of a revision or tag; ``default`` answers for istio-injection=enabled."""
    answered = "enabled" if default else "never"
    selector = {"matchExpressions": [{"key": "istio-injection", "operator": "In", "values": [answered]}]}
    return {
        "apiVersion": API,
        "kind": KIND,
        "metadata": {"name": name, "labels": labels},
        "webhooks": [
            {
                "name": "test.istio.io",
                "admissionReviewVersions": ["v1"],
                "clientConfig": {"url": "https://127.0.0.1:1/inject"},
                "failurePolicy": "Ignore",
                "namespaceSelector": selector,
                "objectSelector": {"matchLabels": {"test": "never"}},
                "sideEffects": "None",
            }
        ],
    }


@contextlib.contextmanager
def installed(cluster: Cluster, *webhooks: dict[str, Any]) -> Iterator[None]:
    """Somebody else installed these, for the length of a block."""
    for obj in webhooks:
        cluster.apply(obj, "them")
    try:
        yield
    finally:
        for obj in webhooks:
            cluster.transport.raw("DELETE", f"{PATH}/{obj['metadata']['name']}")


class _Injector(BaseHTTPRequestHandler):
    """Answers as istiod does to a pod and the templates that it names, with one container for them all."""

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        annotations = review["request"]["object"]["metadata"].get("annotations") or {}
        templates = annotations.get("inject.istio.io/templates", "sidecar")
        container = {"name": "istio-proxy", "image": f"example.invalid/{templates}:1", "args": ["{{ 1 + 1 }}"]}
        patch = json.dumps([{"op": "add", "path": "/spec/containers/-", "value": container}]).encode()
        unknown = {"allowed": False, "status": {"message": f"there is no template {templates}"}}
        known = {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
        answer = json.dumps({**review, "response": unknown if templates == "unknown" else known}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def answering(cluster: Cluster, revision: str) -> Iterator[None]:
    """The injector of a revision, reached by URL, for the length of a block."""
    key, certificate = key_and_certificate("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(key + certificate)
        file.flush()
        context.load_cert_chain(file.name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Injector)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    webhook = injector(f"test-{revision}", {"istio.io/rev": revision})
    webhook["webhooks"][0]["name"] = "rev.namespace.sidecar-injector.istio.io"
    webhook["webhooks"][0]["clientConfig"] = {
        "url": f"https://localhost:{server.server_address[1]}/inject",
        "caBundle": base64.b64encode(certificate).decode(),
    }
    try:
        with installed(cluster, webhook):
            yield
    finally:
        server.shutdown()
        server.server_close()
