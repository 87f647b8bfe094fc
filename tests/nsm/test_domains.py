# SPDX-License-Identifier: Apache-2.0
"""A service of one domain is found from another by its name: with records and trust, and with neither alone.

Each test begins where the one before it ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import time

import pytest
from cryptography import x509

from lab import versions
from lab.domains import controlplane
from tests.nsm.site import EXPOSED
from tests.nsm.waiting import eventually

SERVICE = "shop"
ENDPOINT = "shop-1"
FAR_SERVICE, FAR_ENDPOINT = f"{SERVICE}@my.cluster2", f"{ENDPOINT}@my.cluster2"
# Identities, records and bundles are known everywhere by then; what is not there now will not come.
_SETTLED_SECONDS = 6.0
# An endpoint is registered for a minute.
_EXPIRY_SECONDS = 65.0


@pytest.fixture(scope="module")
def endpoint(sites):
    """An endpoint in the second domain."""
    return sites[1].start_endpoint(ENDPOINT, SERVICE)


def test_in_its_own_domain_a_service_is_found_by_its_plain_name(sites, endpoint):
    assert eventually(lambda: sites[1].names(SERVICE), [ENDPOINT]) == [ENDPOINT]
    assert sites[0].names(SERVICE) == []


def test_a_registry_takes_nobody_without_a_certificate(sites, endpoint):
    """And shows one of its trust domain."""
    stranger = ssl.create_default_context()
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    stranger.set_alpn_protocols(["h2"])
    address = (sites[1].domain.address, versions.NSM_PORTS[controlplane.REGISTRY])
    with socket.create_connection(address, timeout=5) as plain, stranger.wrap_socket(plain) as secured:
        shown = secured.getpeercert(binary_form=True)
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            secured.recv(1)
    assert shown is not None
    certificate = x509.load_der_x509_certificate(shown)
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternatives.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://nsm.cluster2/registry"]


def test_with_neither_it_is_not_found(sites, endpoint):
    assert sites[0].names(FAR_SERVICE) == []


def test_with_records_alone_it_is_not_found(sites, endpoint):
    sites[1].publish()
    time.sleep(_SETTLED_SECONDS)
    assert sites[0].resolve("registry.nsm-system.my.cluster2") == sites[1].domain.address
    assert sites[0].names(FAR_SERVICE) == []
    sites[1].publish([])


def test_with_trust_alone_it_is_not_found(sites, endpoint):
    for one, other in (sites, sites[::-1]):
        one.trust(other)
    time.sleep(_SETTLED_SECONDS)
    assert sites[0].names(FAR_SERVICE) == []


def test_a_new_authority_of_the_other_domain_is_fetched_from_it(sites, endpoint):
    """Over its bundle endpoint, which proves its identity by the bundle that was given by hand."""
    first, second = sites
    name = f"spiffe://{second.domain.trust_domain}"

    def authorities():
        bundle = json.loads(first.spire("bundle", "list", "-id", name, "-format", "spiffe"))
        return len([key for key in bundle["keys"] if key["use"] == "x509-svid"])

    assert authorities() == 1
    second.spire("localauthority", "x509", "prepare")
    first.spire("federation", "refresh", "-id", name)
    assert eventually(authorities, 2) == 2


def test_with_both_it_is_found(sites, endpoint):
    """Behind the own domain's proxy, to which the other domain's registry proxy told that of the other."""
    first, second = (site.domain for site in sites)
    proxy, registry_proxy = (versions.NSM_PORTS[name] for name in ("nsmgr-proxy", "nsm-registry-proxy"))
    sites[1].publish()
    assert eventually(lambda: sites[0].names(FAR_SERVICE), [FAR_ENDPOINT]) == [FAR_ENDPOINT]
    (found,) = sites[0].find(FAR_SERVICE)
    assert found["services"] == [FAR_SERVICE]
    assert found["url"] == f"tcp://{first.address}:{proxy}"
    (told,) = sites[0].find(FAR_SERVICE, at=f"tcp://{first.address}:{registry_proxy}")
    assert told["url"] == f"tcp://{second.address}:{proxy}"


def test_a_client_is_connected_through_both_control_planes(sites, endpoint):
    client = sites[0].start_client("visitor", FAR_SERVICE)

    def connected():
        return [json.loads(line) for line in client.log.read_text().splitlines() if line.startswith("{")]

    assert eventually(lambda: len(connected()), 1) == 1
    (connection,) = connected()
    assert connection["endpoint"] == FAR_ENDPOINT
    assert connection["hops"] == [
        *("visitor", "nsmgr-domain1", "forwarder-domain1", "nsmgr-proxy-domain1"),
        *("nsmgr-proxy-domain2", "nsmgr-domain2", "forwarder-domain2", ENDPOINT),
    ]
    assert connection["client_addresses"]
    assert connection["endpoint_addresses"]
    client.stop()
    assert "error" not in client.log.read_text()


def test_without_the_record_of_its_proxy_it_has_an_address_that_nobody_else_reaches(sites, endpoint):
    """That is how the mistake looks: no error, and the address of its manager as its own domain knows it."""
    registry, _ = EXPOSED
    sites[1].publish([registry])
    registry_proxy = f"tcp://{sites[0].domain.address}:{versions.NSM_PORTS['nsm-registry-proxy']}"

    def address():
        return [found["url"] for found in sites[0].find(FAR_SERVICE, at=registry_proxy)]

    manager = f"tcp://{sites[1].domain.address}:{versions.NSM_PORTS['nsmgr']}"
    assert eventually(address, [manager]) == [manager]
    sites[1].publish()


def test_who_takes_its_leave_is_gone_at_once(sites, endpoint):
    leaving = sites[1].start_endpoint("shop-2", SERVICE, UNREGISTER_ITSELF="true")
    both = [FAR_ENDPOINT, "shop-2@my.cluster2"]
    assert eventually(lambda: sites[0].names(FAR_SERVICE), both) == both
    leaving.stop()
    assert sites[0].names(FAR_SERVICE) == [FAR_ENDPOINT]


def test_who_is_not_heard_of_is_gone_when_its_time_is_up(sites, endpoint):
    """The other, which is older than that and lives, is still there."""
    lost = sites[1].start_endpoint("shop-3", SERVICE)
    both = [FAR_ENDPOINT, "shop-3@my.cluster2"]
    assert eventually(lambda: sites[0].names(FAR_SERVICE), both) == both
    pid = lost.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert sites[0].names(FAR_SERVICE) == both
    left = eventually(lambda: sites[0].names(FAR_SERVICE), [FAR_ENDPOINT], _EXPIRY_SECONDS)
    assert left == [FAR_ENDPOINT]


def test_when_trust_ends_it_is_not_found_any_more(sites, endpoint):
    sites[1].distrust(sites[0])
    assert eventually(lambda: sites[0].names(FAR_SERVICE), []) == []
    assert sites[1].names(SERVICE) == [ENDPOINT]
