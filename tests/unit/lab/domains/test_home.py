# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ipaddress

import pytest

from lab import addresses
from lab.addresses import Addresses
from lab.domains import lifecycle
from lab.domains.home import DomainHome, is_domain
from lab.errors import LabError


def test_no_domain_shares_an_address_with_anything_else():
    homes = lifecycle.homes(addresses.MOST_DOMAINS)
    own = [ipaddress.ip_address(home.address) for home in homes]
    pools = [ipaddress.ip_network(Addresses(number).load_balancers) for number in range(11, 22)]
    others = [
        addresses.BRIDGE_ADDRESS,
        *(Addresses(number).node for number in range(11, 60)),
        *(addresses.of_host(number) for number in range(1, addresses.MOST_HOSTS + 1)),
    ]
    assert len(set(own)) == len(own)
    for address in own:
        assert address in ipaddress.ip_network(addresses.BRIDGE_NETWORK)
        assert not [pool for pool in pools if address in pool]
        assert str(address) not in others
    assert homes[0].address == "10.99.0.2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("domain1", True), ("domain12", True), ("domain0", False), ("domain", False), ("vm1", False), ("domain1a", False)],
)
def test_is_domain(name, expected):
    assert is_domain(name) is expected


@pytest.mark.parametrize("count", [-1, addresses.MOST_DOMAINS + 1])
def test_so_many_domains_there_are_not(count):
    with pytest.raises(LabError, match="up to 9 domains"):
        lifecycle.homes(count)


def test_names_fit_into_the_kernels_limits():
    home = lifecycle.homes(addresses.MOST_DOMAINS)[-1]
    assert len(home.link) <= 15
    for socket in (home.server_socket, home.agent_socket, home.manager_socket):
        assert len(str(socket)) <= 107


def test_what_is_no_domain_is_said_so():
    with pytest.raises(LabError, match="vm1 is no domain"):
        DomainHome("vm1").address  # noqa: B018


def test_names_of_a_domain():
    home = DomainHome("domain2")
    assert (home.zone, home.trust_domain) == ("my.cluster2", "nsm.cluster2")
    assert home.machine == "spiffe://nsm.cluster2/machine"
