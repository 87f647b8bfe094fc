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
from mesh.operations.sweeping import Sweep

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
    plane = {"namespace": "istio-system", "revision": "default", "version": "1.31.0"}
    return {**plane, "ready": True, "reason": "", "webhook": True, **different}


def proxy(**different):
    return {"namespace": "shop", "name": "page-1", "revision": "default", "version": "1.31.0", **different}


def host(name="a", connected="11:30", gone="", **different):
    """A host that connected, or disconnected, today at that time."""
    told = {"namespace": "shop", "name": name, "group": "ratings", "address": f"192.0.2.{ord(name[0]) - 96}"}
    since = f"2026-06-15T{gone or connected}:00.123456789Z"
    state = {"network": "", "connected": not gone, "healthy": None, "message": "", "since": since}
    return {**told, **state, **different}


SWEEP = Sweep(datetime.timedelta(minutes=2), datetime.timedelta(minutes=45))


def told(revisions=(), proxies=(), kubernetes="1.34.0", injectors=(), roots=(), warn_days=30, **hosts):
    workloads, sweep = hosts.get("workloads", []), hosts.get("sweep", SWEEP)
    found = {"revisions": list(revisions), "proxies": list(proxies), "kubernetes": kubernetes, "workloads": workloads}
    return [
        (item["severity"], item["about"], item["text"], item["until"])
        for item in concerns(found, injectors, roots, sweep, NOW, warn_days)
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


GONE = "is not connected since 2026-06-15T{}:00.123456789Z; look at its agent"
DELETE = "if the host is gone, delete its WorkloadEntry"


@pytest.mark.parametrize(
    ("workloads", "expected"),
    [
        ([host(), host("b", healthy=True), host("c", since="", connected=False)], []),
        ([host(healthy=False, message="HTTP 500")], [("critical", "host shop/a", "its probe fails: HTTP 500")]),
        ([host(healthy=False)], [("critical", "host shop/a", "its probe fails: it gives no reason")]),
        (
            [host(healthy=False, since="", connected=False)],
            [("critical", "host shop/a", "its probe fails: it gives no reason")],
        ),
        ([host(gone="11:59")], [("warning", "host shop/a", GONE.format("11:59"))]),
        ([host(gone="11:59", healthy=False)], [("warning", "host shop/a", GONE.format("11:59"))]),
        (
            [host(gone="11:57")],
            [("critical", "host shop/a", f"{GONE.format('11:57')}, and why istiod still keeps it; {DELETE}")],
        ),
        ([host(connected="11:16")], []),
        (
            [host(connected="11:14")],
            [
                (
                    "warning",
                    "host shop/a",
                    f"connected at 2026-06-15T11:14:00.123456789Z and not again since, as every agent does; {DELETE}",
                )
            ],
        ),
        ([host(since="yesterday"), host("b", since="2026-06-01T00:00:00")], []),
        (
            [host("a1"), host("a2", network="vms"), host("a3", gone="11:59")],
            [("warning", "host shop/a3", GONE.format("11:59"))],
        ),
        ([host("a1", address=""), host("a2", address="")], []),
        (
            [host("a2", namespace="bank"), host("a1")],
            [
                (
                    "critical",
                    "address 192.0.2.1",
                    "is that of bank/a2 and shop/a1, all connected; give each host its own",
                )
            ],
        ),
        (
            [host("a2", network="vms"), host("a1", network="vms")],
            [
                (
                    "critical",
                    "address 192.0.2.1",
                    "is that of shop/a1 and shop/a2 in network vms, all connected; give each host its own",
                )
            ],
        ),
    ],
)
def test_hosts_outside_kubernetes(workloads, expected):
    assert told(workloads=workloads) == [(*item, "") for item in expected]


def test_where_nobody_knows_how_long_connections_live():
    assert told(workloads=[host(connected="00:01")], sweep=SWEEP._replace(connected=None)) == []


def test_metrics():
    found = {
        "revisions": [revision(), revision(revision="b", ready=False)],
        "proxies": [proxy(), proxy(name="page-2"), proxy(version='1.30.0"\n')],
        "gateways": [{"namespace": "istio-ingress", "name": "webgw", "addresses": ["a", "b"]}],
        "workloads": [host(), host("b", gone="11:00", healthy=False), host("c", connected=False, since="")],
        "concerns": [{"severity": "critical"}],
    }
    lines = [line.replace('cluster="onprem",', "") for line in metrics(found, "onprem").splitlines()]
    assert metrics(found, "onprem").count('cluster="onprem"') == 10
    assert [line for line in lines if line[0] != "#"] == [
        'meshops_revision_ready{namespace="istio-system",revision="default",version="1.31.0"} 1',
        'meshops_revision_ready{namespace="istio-system",revision="b",version="1.31.0"} 0',
        'meshops_proxies{revision="default",version="1.30.0\\"\\n"} 1',
        'meshops_proxies{revision="default",version="1.31.0"} 2',
        'meshops_gateway_addresses{namespace="istio-ingress",gateway="webgw"} 2',
        'meshops_workload_connected{namespace="shop",group="ratings",address="192.0.2.1",entry="a"} 1',
        'meshops_workload_connected{namespace="shop",group="ratings",address="192.0.2.2",entry="b"} 0',
        'meshops_workload_healthy{namespace="shop",group="ratings",address="192.0.2.2",entry="b"} 0',
        'meshops_concerns{severity="critical"} 1',
        'meshops_concerns{severity="warning"} 0',
    ]
    assert lines.count("# TYPE meshops_proxies gauge") == 1


def test_metrics_of_nothing_have_no_empty_family():
    found = {"revisions": [], "proxies": [], "gateways": [], "workloads": [], "concerns": []}
    assert metrics(found, "x").splitlines()[0].startswith("# HELP meshops_concerns")
