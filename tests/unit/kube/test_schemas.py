# SPDX-License-Identifier: Apache-2.0
"""Schemas as an API server publishes them, and that a run goes on where it does not."""

from __future__ import annotations

import json

import pytest
from mesh.kube.schemas import Schemas

from .test_transport import HANG_UP, connected, impatient, server, status  # noqa: F401

SCHEMA = {"type": "object"}


def answer(document):
    text = json.dumps(document).encode()
    return (200, text, {"Content-Length": str(len(text))})


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (answer({"openapi": "3.0.0", "components": {"schemas": {"a": SCHEMA}}}), {"a": SCHEMA}),
        (answer({"components": {"schemas": []}}), {}),
        (answer({"components": "x"}), {}),
        (answer({}), {}),
        (answer([]), {}),
        ((200, b"<html>", {}), {}),
        ((HANG_UP, b"", {}), {}),
        *(((code, *status("no")), {}) for code in (301, 400, 403, 404, 406, 500, 503)),
    ],
)
def test_asked_once(server, script, expected):  # noqa: F811
    server.script = [script]
    schemas = Schemas(connected(server))
    assert [schemas.of("example.com/v1"), schemas.of("example.com/v1")] == [expected, expected]
    assert [seen[1] for seen in server.seen] == ["/openapi/v3/apis/example.com/v1"]


def test_each_version_for_itself(server):  # noqa: F811
    documents = [{"components": {"schemas": {name: SCHEMA}}} for name in "ab"]
    server.script = [answer(document) for document in documents]
    schemas = Schemas(connected(server))
    assert [schemas.of("a.com/v1"), schemas.of("b.com/v1")] == [{"a": SCHEMA}, {"b": SCHEMA}]
