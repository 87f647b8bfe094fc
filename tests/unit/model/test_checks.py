# SPDX-License-Identifier: Apache-2.0
"""Values that Kubernetes, Istio and helm would refuse later are refused first."""

from __future__ import annotations

import pytest
from mesh.model import checks
from mesh.model.errors import MeshError
from mesh.model.spec import parse
from mesh.model.specs.control_plane import ControlPlaneSpec
from mesh.model.specs.gateway import GatewaySpec
from mesh.model.specs.injection import InjectionSpec

DIGEST = "0123456789abcdef" * 4
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n"
KEY = CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")
SECRET = {"kind": "Secret", "data": {"key": "c2VjcmV0"}}


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (checks.dns_label, ["a", "a-1", "1-31", "a" * 63], ["", "A", "a.b", "-a", "a-", "a_b", "a" * 64, "a\n"]),
        (
            checks.dns_subdomain,
            ["a", "a.b", "cluster.local", "1.a"],
            ["", ".a", "a.", "a..b", "A.b", "a." * 127 + "ab"],
        ),
        (checks.label_value, ["", "a", "A_b.c-d", "a" * 63], ["-a", "a-", "a b", "a/b", "a" * 64]),
        (checks.version, ["1.31.0", "1.31.0-rc.1", "1.31.0+build.5"], ["", "1.31", "v1.31.0", "1.31.0 ", "latest"]),
        (
            checks.url,
            ["https://a/b", "oci://a/b", "http://127.0.0.1:1"],
            ["", "charts", "https://", "https:// a", "//a"],
        ),
        (checks.positive, [1, 300], [0, -1]),
        (checks.dns_labels, [[], ["a"], ["a", "b-c"]], [["a", "B"]]),
        (checks.some_dns_labels, [["a"], ["a", "b-c"]], [[], ["a", "B"]]),
        (checks.placed_names, [[], ["a.b", "shop/a.b"]], [["a", "B"], ["/a"], ["a/"], ["a.b/c"], ["a/b/c"], [""]]),
        (checks.shown_objects, [[{}], [{"kind": "Secret"}]], [[], [SECRET], [{}, {"kind": "List", "items": [SECRET]}]]),
        (checks.digests, [{}, {"base": DIGEST}, {"base": f"sha256:{DIGEST}"}], [{"base": DIGEST[1:]}, {"base": "x"}]),
    ],
)
def test_checks(check, good, bad):
    assert [value for value in good if check(value) is not None] == []
    assert [value for value in bad if check(value) is None] == []


def test_a_check_of_many_says_which():
    assert checks.dns_labels(["a", "B"]) == "must hold DNS labels only, and 'B' is none"
    assert checks.digests({"base": DIGEST, "cni": "x"}) == "must hold SHA-256 digests, and that of cni is none"


@pytest.mark.parametrize(
    ("spec", "data", "message"),
    [
        (
            ControlPlaneSpec,
            {"revision": "1.31"},
            "revision: must be a DNS label (lower-case letters, digits and -, at most 63), not '1.31'",
        ),
        (ControlPlaneSpec, {"version": "1.31"}, "version: must be a full version such as 1.31.0, not '1.31'"),
        (ControlPlaneSpec, {"version": 1.31}, "version: must be a string, not a number; quote it"),
        (
            ControlPlaneSpec,
            {"charts": {"digests": {"base": "x"}}},
            "charts.digests: must hold SHA-256 digests, and that of base is none",
        ),
        (ControlPlaneSpec, {"images": {"pilott": "x"}}, "images.pilott: is not an option (did you mean pilot?)"),
        (InjectionSpec, {"namespaces": []}, "namespaces: must name at least one, not []"),
        # What is in the wrong place may be secret.
        (
            GatewaySpec,
            {"name": "x", "tls_secrets": [{"name": "a", "certificate": KEY, "key": CERTIFICATE}]},
            "tls_secrets[0].certificate: must hold no private key, not a long text",
        ),
        (
            GatewaySpec,
            {"name": "x", "tls_secrets": [{"name": "a", "certificate": CERTIFICATE + KEY, "key": KEY}]},
            "tls_secrets[0].certificate: must hold no private key, not a long text",
        ),
        (
            GatewaySpec,
            {"name": "x", "tls_secrets": [{"name": KEY, "certificate": CERTIFICATE, "key": KEY}]},
            "tls_secrets[0].name: must be a name of an object (lower-case letters, digits, - and ., at most 253), not "
            "a long text",
        ),
        (
            GatewaySpec,
            {"name": "x", "type": "T" * 100},
            "type: has no choice a long text (one of ingress, egress, eastwest)",
        ),
        (
            GatewaySpec,
            {"name": "x", "image_pull_secrets": [KEY]},
            "image_pull_secrets: must hold names of objects, and a long text is none",
        ),
    ],
)
def test_checks_in_specs(spec, data, message):
    with pytest.raises(MeshError) as caught:
        parse(spec, data)
    assert str(caught.value) == message
