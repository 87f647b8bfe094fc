# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from lab import loadbalancer

POOL = loadbalancer.addresses("10.99.0.64/30")


def service(kind: str = "LoadBalancer", has: str = "", **spec: str) -> dict[str, Any]:
    ingress = [{"ip": has}] if has else []
    return {"metadata": {}, "spec": {"type": kind, **spec}, "status": {"loadBalancer": {"ingress": ingress}}}


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ({"n/a": service(), "n/b": service()}, {"n/a": POOL[0], "n/b": POOL[1]}),
        ({"n/a": service(), "n/b": service(has=POOL[0])}, {"n/a": POOL[1], "n/b": POOL[0]}),
        ({"n/a": service(), "n/b": service(loadBalancerIP=POOL[0])}, {"n/a": POOL[1], "n/b": POOL[0]}),
        ({"n/a": service(has="192.0.2.1")}, {"n/a": POOL[0]}),
        ({"n/a": service(has=POOL[0]), "n/b": service(has=POOL[0])}, {"n/a": POOL[0], "n/b": POOL[1]}),
        ({"n/a": service(kind="ClusterIP"), "n/b": service(loadBalancerClass="other")}, {}),
        ({"n/a": {**service(has=POOL[0]), "metadata": {"deletionTimestamp": "now"}}}, {}),
        ({f"n/{i}": service() for i in range(5)}, {f"n/{i}": POOL[i] for i in range(4)}),
    ],
)
def test_assign(services, expected):
    assert loadbalancer.assign(services, POOL) == expected


def test_broadcast_address_is_never_given_away():
    assert loadbalancer.addresses("10.99.0.252/30") == ["10.99.0.252", "10.99.0.253", "10.99.0.254"]
