# SPDX-License-Identifier: Apache-2.0
"""How pods ask for network services: a table of good and bad texts."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError
from mesh.model.nsm_urls import interface_of, placed, request, requests
from mesh.model.spec import parse
from mesh.model.specs.nsm_client import NsmClientSpec


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("kernel://my-service/nsm-1", "kernel://my-service/nsm-1"),
        ("kernel://my-service@dc.example.com/ms1", "kernel://my-service@dc.example.com/ms1"),
        ("memif://my-vpp-service?A=1&B=2&C=3", "memif://my-vpp-service?A=1&B=2&C=3"),
        ("vfio://second-service?sriovToken=intel/10G", "vfio://second-service?sriovToken=intel/10G"),
        (
            "kernel://blue-bridge.ns-kernel2vlan-multins-2/nsm-1",
            "kernel://blue-bridge.ns-kernel2vlan-multins-2/nsm-1",
        ),
        ("kernel://net/nsm-1?dnsName=web.shop", "kernel://net/nsm-1?dnsName=web.shop"),
        ("kernel://net/nsm-1?app=a&app=b", "kernel://net/nsm-1?app=a&app=b"),
        ("kernel://net/fifteen-letters", "kernel://net/fifteen-letters"),
        # A name alone, and the form of 2019.
        ("intranet", "kernel://intranet"),
        ("intranet@dc2.example.com", "kernel://intranet@dc2.example.com"),
        ("intranet/eth2?app=firewall&version=2", "kernel://intranet/eth2?app=firewall&version=2"),
    ],
)
def test_good_ones(text, url):
    assert request(text).text == url
    assert request(url).text == url


def test_the_labels_of_a_client():
    assert request("kernel://net?app=a&zone=b&app=c").labels == {"app": "a,c", "zone": "b"}


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", "for a service, which must be a DNS subdomain"),
        ("kernel://", "for a service, which must be a DNS subdomain"),
        ("kernel:///nsm-1", "for a service, which must be a DNS subdomain"),
        ("://net/nsm-1", "has the mechanism ''; there are kernel, memif, vfio"),
        ("kernal://net/nsm-1", "has the mechanism 'kernal'; there are kernel, memif, vfio"),
        ("KERNEL://net/nsm-1", "has the mechanism 'KERNEL'"),
        ("kernel://Net/nsm-1", "has 'Net' for a service"),
        ("kernel://a b/nsm-1", "has 'a b' for a service"),
        ("kernel://net\n/nsm-1", "for a service"),
        (f"kernel://{'a' * 64}/nsm-1", "must have 63 characters at most"),
        ("kernel://net:5002/nsm-1", "has a port or an IPv6 address"),
        ("kernel://net@dc.example.com:5002/nsm-1", "has a port or an IPv6 address"),
        ("kernel://net@[2001:db8::1]/nsm-1", "has a port or an IPv6 address"),
        ("kernel://net@192.0.2.1/nsm-1", "has the domain '192.0.2.1', which must be a DNS name"),
        ("kernel://net@/nsm-1", "has the domain '', which must be a DNS name"),
        ("kernel://net@DC/nsm-1", "has the domain 'DC', which must be a DNS name"),
        ("kernel://net@a@b/nsm-1", "has the domain 'a@b', which must be a DNS name"),
        ("kernel://net/sixteen-letters-", "has an interface of 16 characters, and Linux takes 15 at most"),
        ("kernel://net/eth0", "has the interface eth0, which every pod has already"),
        ("kernel://net/a/b", "has 'a/b' for an interface"),
        ("kernel://net/..", "has '..' for an interface"),
        ("kernel://net/nsm 1", "has 'nsm 1' for an interface"),
        ("kernel://net/nsm-1?app", "has the parameter 'app=', which must be a label"),
        ("kernel://net/nsm-1?=a", "has the parameter '=a', which must be a label"),
        ("kernel://net/nsm-1?app=a b", "has the parameter 'app=a b', which must be a label"),
        ("kernel://net/nsm-1?app=%20", "has the parameter 'app=%20', which must be a label"),
        ("kernel://net/nsm-1?a=b&", "has the parameter '=', which must be a label"),
        ("kernel://net/nsm-1?sriovToken=intel", "has sriovToken=intel, which must be a domain and a capability"),
        ("kernel://net/nsm-1?dnsName=A_b", "has dnsName=A_b, which must be a DNS name"),
        ("kernel://a/nsm-1,kernel://b/nsm-2", "holds a comma"),
    ],
)
def test_bad_ones(text, flaw):
    with pytest.raises(MeshError) as caught:
        request(text)
    assert flaw in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("services", "flaw"),
    [
        (["net", "kernel://net"], "must hold each service once, and 'kernel://net' is there twice"),
        (["kernel://a/nsm-1", "memif://b/nsm-1"], "must give each service an interface of its own, and nsm-1 is there"),
        (["ok", "kernal://x"], "must hold services, and 'kernal://x' has the mechanism"),
    ],
)
def test_several_services(services, flaw):
    with pytest.raises(MeshError, match=r"^services: must ") as caught:
        parse(NsmClientSpec, {"name": "a", "namespace": "b", "services": services})
    assert flaw in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "taken", "before", "urls"),
    [
        (["a", "b"], [], [], ["kernel://a/nsm-1", "kernel://b/nsm-2"]),
        (["a", "kernel://b/nsm-1"], [], [], ["kernel://a/nsm-2", "kernel://b/nsm-1"]),
        (["a"], ["nsm-1", "nsm-2"], [], ["kernel://a/nsm-3"]),
        # Where it was, though what came before it has gone.
        (["b"], [], ["kernel://a/nsm-1", "kernel://b/nsm-2"], ["kernel://b/nsm-2"]),
        (["b"], ["nsm-2"], ["kernel://b/nsm-2"], ["kernel://b/nsm-1"]),
    ],
)
def test_interfaces_that_nobody_named(texts, taken, before, urls):
    assert placed([request(text) for text in texts], taken, before) == urls


def test_interfaces_of_what_others_wrote():
    assert [interface_of(text) for text in ("kernel://a/nsm-1?x=y", "a", "whatever://b c/d")] == ["nsm-1", "", "d"]


def test_none_is_no_flaw():
    assert requests([]) is None
