# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of a host go, as Istio's package and its start script expect them (istio.io, "Virtual Machine
Installation"), for the module vm_files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]

_AGENT = "istio-proxy"
#: The agent's start script is run by root and reads cluster.env: who is istio-proxy may not write it.
_READ = {"owner": "root", "group": _AGENT, "mode": "0640"}
_OWNED = {"owner": _AGENT, "group": _AGENT}
#: Name in what vm_bootstrap returns -> place on the host.
PLACES: Mapping[str, Item] = {
    "cluster.env": {"path": "/var/lib/istio/envoy/cluster.env", **_READ},
    "mesh.yaml": {"path": "/var/lib/istio/config/mesh", **_READ},
    "root-cert.pem": {"path": "/etc/certs/root-cert.pem", **_OWNED, "mode": "0644"},
    "istio-token": {
        "path": "/var/run/secrets/tokens/istio-token",
        **_OWNED,
        "mode": "0600",
        "directory_mode": "0750",
        "secret": True,
    },
}


def placed(files: Mapping[str, str]) -> list[Item]:
    """Items of the option ``files``."""
    return [{**place, "content": files[name]} for name, place in PLACES.items() if name in files]


def named(hosts: str) -> list[Item]:
    """Items of the option ``hosts``, from lines of an address and a name."""
    return [dict(zip(("address", "name"), line.split(), strict=True)) for line in hosts.splitlines()]
