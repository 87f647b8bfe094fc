# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ipaddress

import pytest

from lab import addresses
from lab.addresses import Addresses
from lab.errors import LabError
from lab.hosts import lifecycle
from lab.hosts.home import HostHome, is_host


def test_no_host_shares_an_address_with_anything_else():
    homes = lifecycle.homes(addresses.MOST_HOSTS)
    own = [ipaddress.ip_address(home.address) for home in homes]
    bridge = ipaddress.ip_network(addresses.BRIDGE_NETWORK)
    pools = [ipaddress.ip_network(Addresses(number).load_balancers) for number in range(11, 22)]
    nodes = [Addresses(number).node for number in range(11, 60)]
    assert len(set(own)) == len(own)
    for address in own:
        assert address in bridge
        assert address != bridge.broadcast_address
        assert not [pool for pool in pools if address in pool]
        assert str(address) not in nodes
    assert homes[0].address == "10.99.0.241"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("vm1", True), ("vm14", True), ("vm0", False), ("vm", False), ("vm1a", False), ("onprem", False), ("xvm1", False)],
)
def test_is_host(name, expected):
    assert is_host(name) is expected


@pytest.mark.parametrize("count", [-1, addresses.MOST_HOSTS + 1])
def test_so_many_hosts_there_are_not(count):
    with pytest.raises(LabError, match="up to 14 hosts"):
        lifecycle.homes(count)


def test_a_link_name_fits_into_the_kernels_limit():
    assert len(lifecycle.homes(addresses.MOST_HOSTS)[-1].link) <= 15


def test_what_is_no_host_is_said_so():
    with pytest.raises(LabError, match="onprem is no host"):
        HostHome("onprem").address  # noqa: B018
