# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest

from lab import addresses
from lab.addresses import Addresses
from lab.errors import LabError

NUMBERS = range(11, 22)


def test_no_two_clusters_share_an_address():
    ranges = [
        ipaddress.ip_network(text)
        for plan in map(Addresses, NUMBERS)
        for text in (plan.pods, plan.services, plan.load_balancers, f"{plan.node}/32")
    ]
    assert not [pair for pair in combinations(ranges, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("number", NUMBERS)
def test_what_the_host_reaches_is_on_the_bridge(number):
    bridge = ipaddress.IPv4Network(addresses.BRIDGE_NETWORK)
    plan = Addresses(number)
    assert ipaddress.ip_address(plan.node) in bridge
    pool = ipaddress.IPv4Network(plan.load_balancers)
    assert pool.subnet_of(bridge)
    assert bridge.broadcast_address not in pool


@pytest.mark.parametrize(
    ("names", "taken", "expected"),
    [
        (["cloud", "onprem"], {}, {"cloud": 12, "onprem": 11}),
        (["a", "b"], {}, {"a": 14, "b": 15}),
        (["b"], {"a": 14}, {"b": 15}),
        (["a"], {"a": 17}, {"a": 17}),
    ],
)
def test_assign(names, taken, expected):
    assert addresses.assign(names, taken) == expected


def test_assign_says_when_there_is_no_room():
    with pytest.raises(LabError, match="no address left"):
        addresses.assign([f"c{number}" for number in range(9)], {})


def test_an_ethernet_address_is_locally_administered_and_follows_from_the_address():
    assert addresses.of_hardware("10.99.0.241") == "02:00:0a:63:00:f1"
