# SPDX-License-Identifier: Apache-2.0
"""Where a gateway is reached, by whichever objects it is made of."""

from __future__ import annotations

from mesh.model.objects import Ref
from mesh.operations.gateway import result

SERVICE = {
    "spec": {"ports": [{"name": "tls", "port": 15443}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
}
#: What `expose` makes: Istio's kind of that name, which has no listeners.
ISTIOS = {"spec": {"selector": {}, "servers": [{"port": {"number": 15012}}]}}
OF_THE_API = {
    "spec": {"listeners": [{"name": "http", "port": 80}]},
    "status": {"addresses": [{"type": "IPAddress", "value": "192.0.2.2"}]},
}


def test_a_gateway_that_exposes_istiod():
    live = {Ref("", "Service", "a", "x"): SERVICE, Ref("networking.istio.io", "Gateway", "a", "x"): ISTIOS}
    assert result(None, None, live) == {"addresses": ["192.0.2.1"], "ports": {"tls": 15443}}


def test_a_gateway_of_the_gateway_api():
    live = {Ref("gateway.networking.k8s.io", "Gateway", "a", "x"): OF_THE_API}
    assert result(None, None, live) == {"addresses": ["192.0.2.2"], "ports": {"http": 80}}
