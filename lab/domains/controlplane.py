# SPDX-License-Identifier: Apache-2.0
"""A domain's control plane of Network Service Mesh: its library's own logic, in the lab's programs (`tools/nsm`).

They are told what to do as the real programs are, by their environment. Each waits for its identity, and listens only
when it has one; there is no data plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lab import versions
from lab.domains.home import DomainHome
from lab.state import write_atomically

REGISTRY, REGISTRY_PROXY = "nsm-registry", "nsm-registry-proxy"
MANAGER, MANAGER_PROXY = "nsmgr", "nsmgr-proxy"
FORWARDER, ENDPOINT, CLIENT = "nsm-forwarder", "nsm-endpoint", "nsm-client"


def start(home: DomainHome, programs: dict[str, Path]) -> None:
    """Start all that a domain has of itself; endpoints and clients are others' to start."""
    home.manager_socket.parent.mkdir(parents=True, exist_ok=True)
    # Its tunnels would end where they are seen to.
    write_atomically(_addresses(home), f"{home.address}: {home.address}\n", 0o644)
    for name, variables in settings(home).items():
        home.process(name).start(home.inside(programs[name]), env={**common(home), **_prefixed(variables)})


def common(home: DomainHome) -> dict[str, str]:
    """The environment of every program of the domain, clients and endpoints as well."""
    return {
        "SPIFFE_ENDPOINT_SOCKET": f"unix://{home.agent_socket}",
        **_prefixed({"CONNECT_TO": f"unix://{home.manager_socket}"}),
    }


def settings(home: DomainHome) -> dict[str, dict[str, str]]:
    """What each program is told, without the prefix of the variables."""
    at = {name: f"tcp://{home.address}:{port}" for name, port in versions.NSM_PORTS.items()}
    return {
        REGISTRY: {"LISTEN_ON": at[REGISTRY], "PROXY_REGISTRY_URL": at[MANAGER_PROXY], "EXPIRE_PERIOD": "1m"},
        REGISTRY_PROXY: {"LISTEN_ON": at[REGISTRY_PROXY]},
        MANAGER_PROXY: {
            "NAME": f"nsmgr-proxy-{home.name}",
            "LISTEN_ON": at[MANAGER_PROXY],
            "REGISTRY_URL": at[REGISTRY],
            "REGISTRY_PROXY_URL": at[REGISTRY_PROXY],
            "MAP_IP_FILE_PATH": str(_addresses(home)),
        },
        MANAGER: {
            "NAME": f"nsmgr-{home.name}",
            "LISTEN_ON": f"unix://{home.manager_socket},{at[MANAGER]}",
            "REGISTRY_URL": at[REGISTRY],
        },
        FORWARDER: {
            "NAME": f"forwarder-{home.name}",
            "LISTEN_ON": f"unix://{home.manager_socket.with_name('forwarder.sock')}",
        },
    }


def _prefixed(variables: Mapping[str, str]) -> dict[str, str]:
    return {f"NSM_{name}": value for name, value in variables.items()}


def _addresses(home: DomainHome) -> Path:
    return home.config / "map-ip.yaml"
