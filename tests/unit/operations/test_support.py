# SPDX-License-Identifier: Apache-2.0
"""Versions that go together, and those that do not."""

from __future__ import annotations

import pytest
from mesh.operations import support

NEWEST = sorted(support.WINDOWS)[-1]


def levels(findings):
    return [(finding.level, finding.error.code) for finding in findings]


ERROR, WARNING = [("error", "unsupported")], [("warning", "unsupported")]


@pytest.mark.parametrize("istio", support.WINDOWS)
def test_edges_of_each_window(istio):
    oldest, newest = support.WINDOWS[istio]
    table = {oldest - 1: ERROR, oldest: [], newest: [], newest + 1: WARNING}
    found = {minor: levels(support.kubernetes(f"{istio}.2", f"1.{minor}.9")) for minor in table}
    assert found == table


@pytest.mark.parametrize(
    ("istio", "server", "expected"),
    [
        ("1.31.0-rc.1", "1.31.0", ERROR),
        ("1.31.0", "1.36.3+k3s1", []),
        ("1.31.0", "v1.36.3-eks-1", []),
        ("9.9.0", "1.10.0", []),
        ("", "1.10.0", []),
    ],
)
def test_spellings_of_versions(istio, server, expected):
    assert levels(support.kubernetes(istio, server)) == expected


def test_the_window_is_told():
    (finding,) = support.kubernetes("1.31.0", "1.31.4")
    assert str(finding.error) == "Kubernetes 1.31.4 is too old (Istio 1.31 supports 1.32 to 1.36)"


GROUP = "gateway.networking.k8s.io"


def definition(name, bundle=None):
    marks = {f"{GROUP}/bundle-version": bundle} if bundle else {}
    return {"metadata": {"name": name, "annotations": marks}}


@pytest.mark.parametrize(
    ("istio", "name", "bundle", "expected"),
    [
        ("1.31.0", f"tlsroutes.{GROUP}", "v1.4.1", WARNING),
        ("1.31.0", f"tlsroutes.{GROUP}", "v1.5.0", []),
        ("1.31.0", f"tlsroutes.{GROUP}", "v1.10.0", []),
        ("1.31.0", f"backendtlspolicies.{GROUP}", "v1.3.0", WARNING),
        ("1.31.0", f"backendtlspolicies.{GROUP}", "v1.4.0", []),
        ("1.31.0", f"grpcroutes.{GROUP}", "v1.0.0-rc1", WARNING),
        ("1.31.0", f"grpcroutes.{GROUP}", "v1.1.0-rc1", []),
        ("1.31.0", f"gateways.{GROUP}", "v0.1.0", []),
        ("1.31.0", f"tlsroutes.{GROUP}", "main", []),
        ("1.31.0", f"tlsroutes.{GROUP}", None, []),
        ("1.31.0", "tlsroutes.example.com", "v0.1.0", []),
        ("9.9.0", f"tlsroutes.{GROUP}", "v0.1.0", []),
    ],
)
def test_gateway_api(istio, name, bundle, expected):
    found = list(support.gateway_api(istio, [definition(name, bundle)]))
    assert levels(found) == expected
    assert all(finding.error.where == f"CustomResourceDefinition {name}" for finding in found)


def test_the_tables_know_the_same_versions():
    assert support.GATEWAY_API.keys() <= support.WINDOWS.keys()
    assert NEWEST in support.GATEWAY_API


class Installed:
    """A reader that serves some definitions."""

    def __init__(self, versions, names):
        self.api_versions, self._names = frozenset(versions), names

    def get(self, _api_version, _kind, _namespace, name):
        return definition(name) if name in self._names else None


@pytest.mark.parametrize(
    ("versions", "names", "found"),
    [
        ({"v1"}, [f"tlsroutes.{GROUP}"], []),
        ({f"{GROUP}/v1"}, [f"tlsroutes.{GROUP}", f"gateways.{GROUP}"], [f"tlsroutes.{GROUP}"]),
        ({f"{GROUP}/v1"}, [], []),
    ],
)
def test_only_definitions_that_matter_are_read(versions, names, found):
    cluster = Installed(versions, names)
    assert [obj["metadata"]["name"] for obj in support.gateway_api_definitions(cluster)] == found


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("docker.io/istio/proxyv2:1.31.0", "1.31.0"),
        ("proxyv2:1.31.0-distroless", "1.31.0"),
        ("127.0.0.1:5000/istio/pilot:1.31.0", "1.31.0"),
        ("127.0.0.1:5000/istio/pilot", ""),
        (f"example.com/pilot@sha256:{'0' * 64}", ""),
        (f"example.com/pilot:1.31.0@sha256:{'0' * 64}", "1.31.0"),
        ("", ""),
    ],
)
def test_versions_of_images(image, version):
    assert support.image_version(image) == version
