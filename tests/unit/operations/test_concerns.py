# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a mesh, or will be."""

from __future__ import annotations

import base64
import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mesh.operations.concerns import concerns
from mesh.operations.metrics import metrics

NOW = datetime.datetime(2026, 6, 15, 12, tzinfo=datetime.UTC)


def pem(name, days):
    """A certificate that ends so many days from then."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - datetime.timedelta(days=1000))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


FAR = {"metadata": {"name": "far", "labels": {"istio.io/rev": "far"}}, "webhooks": []}


def revision(**different):
    return {"revision": "default", "version": "1.31.0", "ready": True, "reason": "", "webhook": True, **different}


def proxy(**different):
    return {"namespace": "shop", "name": "page-1", "revision": "default", "version": "1.31.0", **different}


def told(revisions=(), proxies=(), kubernetes="1.34.0", injectors=(), roots=(), warn_days=30):
    found = {"revisions": list(revisions), "proxies": list(proxies), "kubernetes": kubernetes}
    return [
        (item["severity"], item["about"], item["text"], item["until"])
        for item in concerns(found, injectors, roots, NOW, warn_days)
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"revisions": [revision()], "proxies": [proxy()]}, []),
        (
            {"revisions": [revision(ready=False, reason="crash loop")]},
            [("critical", "revision default", "istiod is not ready: crash loop", "")],
        ),
        (
            {"revisions": [revision(webhook=False)]},
            [("critical", "revision default", "no injection webhook with a certificate answers for it", "")],
        ),
        (
            {"revisions": [revision()], "proxies": [proxy(revision="old")]},
            [("critical", "proxy shop/page-1", "its revision old is not there; restart the workload", "")],
        ),
        (
            {"revisions": [revision()], "proxies": [proxy(version="1.28.3")]},
            [
                (
                    "warning",
                    "proxy shop/page-1",
                    "is 1.28.3, more than 2 minor versions older than its control plane 1.31.0; restart the workload",
                    "",
                )
            ],
        ),
        ({"revisions": [revision()], "proxies": [proxy(version="1.29.3")]}, []),
        (
            {"revisions": [revision(version="1.30.1")], "proxies": [proxy()]},
            [
                (
                    "warning",
                    "proxy shop/page-1",
                    "is 1.31.0, newer than its control plane 1.30.1; restart the workload",
                    "",
                )
            ],
        ),
        (
            {"revisions": [revision(version="1.28.0")]},
            [("warning", "revision default", "Istio 1.28.0 goes out of support; upgrade", "2026-07-01")],
        ),
        (
            {"revisions": [revision(version="1.27.0")]},
            [("warning", "revision default", "Istio 1.27.0 is out of support; upgrade", "2026-04-07")],
        ),
        ({"revisions": [revision(version="1.28.0")], "warn_days": 5}, []),
        (
            {"revisions": [revision(version="1.24.9")]},
            [("warning", "revision default", "Istio 1.24.9 is out of support; upgrade", "2026-04-07")],
        ),
        ({"revisions": [], "proxies": [proxy(revision="far")], "injectors": [FAR]}, []),
        (
            {"revisions": [revision()], "kubernetes": "1.31.2"},
            [
                (
                    "critical",
                    "revision default",
                    "Kubernetes 1.31.2 is too old (Istio 1.31 supports 1.32 to 1.36)",
                    "",
                )
            ],
        ),
    ],
)
def test_concerns(given, expected):
    assert told(**given) == expected


def test_certificates_by_their_end():
    """Broken things first, then what ends first; what lasts is no concern, what is no certificate neither."""
    bundle = base64.b64encode(pem("webhook", 10)).decode()
    labels = {"istio.io/rev": "default"}
    injector = {
        "metadata": {"name": "injector", "labels": labels},
        "webhooks": [{"clientConfig": {"caBundle": bundle}}] * 2,
    }
    other = {
        "metadata": {"name": "other", "labels": labels},
        "webhooks": [{"clientConfig": {"caBundle": "no base64!"}}],
    }
    text = pem("old", -1) + pem("lasting", 400) + pem("soon", 3)
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    roots = {"data": {"root-cert.pem": (text + broken).decode()}}
    assert told(injectors=[injector, other], roots=[roots, None, {"data": None}, roots]) == [
        ("critical", "root certificate of the mesh", "the certificate old has expired; rotate it", "2026-06-14"),
        ("warning", "root certificate of the mesh", "the certificate soon expires; rotate it", "2026-06-18"),
        ("warning", "webhook injector", "the certificate webhook expires; rotate it", "2026-06-25"),
    ]


def test_metrics():
    found = {
        "revisions": [revision(), revision(revision="b", ready=False)],
        "proxies": [proxy(), proxy(name="page-2"), proxy(version='1.30.0"\n')],
        "gateways": [{"namespace": "istio-ingress", "name": "webgw", "addresses": ["a", "b"]}],
        "concerns": [{"severity": "critical"}],
    }
    lines = [line.replace('cluster="onprem",', "") for line in metrics(found, "onprem").splitlines()]
    assert metrics(found, "onprem").count('cluster="onprem"') == 7
    assert [line for line in lines if line[0] != "#"] == [
        'meshops_revision_ready{revision="default",version="1.31.0"} 1',
        'meshops_revision_ready{revision="b",version="1.31.0"} 0',
        'meshops_proxies{revision="default",version="1.30.0\\"\\n"} 1',
        'meshops_proxies{revision="default",version="1.31.0"} 2',
        'meshops_gateway_addresses{namespace="istio-ingress",gateway="webgw"} 2',
        'meshops_concerns{severity="critical"} 1',
        'meshops_concerns{severity="warning"} 0',
    ]
    assert lines.count("# TYPE meshops_proxies gauge") == 1


def test_metrics_of_nothing_have_no_empty_family():
    found = {"revisions": [], "proxies": [], "gateways": [], "concerns": []}
    assert metrics(found, "x").splitlines()[0].startswith("# HELP meshops_concerns")
