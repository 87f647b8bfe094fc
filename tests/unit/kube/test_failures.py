# SPDX-License-Identifier: Apache-2.0
"""What API servers answer when they refuse, as code, message and remedy."""

from __future__ import annotations

import json

import pytest
from mesh.kube.failures import failure
from mesh.model.errors import CODES


def status(message, **parts):
    return json.dumps({"kind": "Status", "message": message, **parts}).encode()


def conflict(*managers):
    causes = [
        {"reason": "FieldManagerConflict", "field": f".spec.f{i}", "message": f'conflict with "{name}"'}
        for i, name in enumerate(managers)
    ]
    return status("Apply failed", details={"causes": causes})


FOREVER = 'namespaces "a" is forbidden: unable to create new content in namespace a because it is being terminated'


@pytest.mark.parametrize(
    ("code", "body", "expected", "message", "hint"),
    [
        (400, status("bad"), "invalid_object", "bad", ""),
        (401, status("Unauthorized"), "unauthorized", "Unauthorized", "the credential is wrong or expired"),
        (403, status("no"), "forbidden", "no", "grant it, or use other credentials"),
        (403, status(FOREVER), "conflict", FOREVER, "wait until the namespace is gone, then run again"),
        (
            403,
            status("a: field is immutable"),
            "immutable",
            "a: field is immutable",
            "keep the old value, or set recreate to delete the object and make it anew",
        ),
        (
            500,
            status('failed calling webhook "w.x": no endpoints available'),
            "webhook_unavailable",
            'failed calling webhook "w.x": no endpoints available',
            "look at the pods behind this webhook, or remove it",
        ),
        (
            500,
            status("etcdserver: mvcc: database space exceeded"),
            "api_error",
            "etcdserver: mvcc: database space exceeded",
            "etcd is out of space: compact, defragment, or raise its quota",
        ),
        (422, status("a\x1b[2Jb\u202ec"), "invalid_object", "a\\x1b[2Jb\\x202ec", ""),
        (404, status("gone"), "api_error", "gone", ""),
        (409, status("changed"), "conflict", "changed", "run again"),
        (
            409,
            conflict("helm"),
            "field_conflict",
            '1 fields belong to others: .spec.f0 (conflict with "helm")',
            "set force to take these fields over",
        ),
        (413, status("too large"), "invalid_object", "too large", "the object is too large for the API server"),
        (422, status("x: must\n  be y"), "invalid_object", "x: must be y", ""),
        (429, status("slow"), "api_error", "slow", "the API server is overloaded; run again later"),
        (
            403,
            status('admission webhook "w" denied the request: no'),
            "invalid_object",
            'admission webhook "w" denied the request: no',
            "",
        ),
        (500, b"<html>oops", "api_error", "HTTP 500 without a Kubernetes Status (10 bytes)", ""),
        (502, b"", "api_error", "HTTP 502 without a Kubernetes Status (0 bytes)", ""),
        (500, b"[1]", "api_error", "HTTP 500 without a Kubernetes Status (3 bytes)", ""),
        (
            500,
            b'{"message": null, "details": null}',
            "api_error",
            "HTTP 500 without a Kubernetes Status (34 bytes)",
            "",
        ),
    ],
)
def test_failure(code, body, expected, message, hint):
    error = failure(code, body, "ConfigMap a/b")
    assert (error.code, error.msg, error.hint) == (expected, message, hint)
    assert (error.status, error.where) == (code, "ConfigMap a/b")
    assert error.code in CODES


def test_many_conflicts_are_cut_but_counted():
    error = failure(409, conflict(*"abcdefg"), "x")
    assert error.msg.startswith("7 fields belong to others: .spec.f0 ")
    assert error.msg.endswith('.spec.f4 (conflict with "e"), ...')
