# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from lab.domains import controlplane
from lab.domains.home import DomainHome

SETTINGS = controlplane.settings(DomainHome("domain1"))


def test_each_is_told_of_the_others_where_they_listen():
    proxy = SETTINGS["nsmgr-proxy"]
    assert SETTINGS["nsm-registry"]["PROXY_REGISTRY_URL"] == proxy["LISTEN_ON"] == "tcp://10.99.0.2:5004"
    assert proxy["REGISTRY_URL"] == SETTINGS["nsm-registry"]["LISTEN_ON"] == "tcp://10.99.0.2:5002"
    assert proxy["REGISTRY_PROXY_URL"] == SETTINGS["nsm-registry-proxy"]["LISTEN_ON"] == "tcp://10.99.0.2:5005"
    assert SETTINGS["nsmgr"]["REGISTRY_URL"] == proxy["REGISTRY_URL"]


def test_clients_and_endpoints_find_identity_and_manager():
    home = DomainHome("domain1")
    assert controlplane.common(home) == {
        "SPIFFE_ENDPOINT_SOCKET": f"unix://{home.agent_socket}",
        "NSM_CONNECT_TO": f"unix://{home.manager_socket}",
    }
    assert SETTINGS["nsmgr"]["LISTEN_ON"].split(",")[0] == controlplane.common(home)["NSM_CONNECT_TO"]
