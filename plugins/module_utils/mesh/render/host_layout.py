# SPDX-License-Identifier: Apache-2.0
"""Where things are on a host, as Istio's package and its start script expect them (istio.io, "Virtual Machine
Installation")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]

AGENT = "istio-proxy"
#: The agent's start script is run by root and reads cluster.env: who is istio-proxy may not write it.
_READ = {"owner": "root", "group": AGENT, "mode": "0640"}
_OWNED = {"owner": AGENT, "group": AGENT}
#: Name in what vm_bootstrap returns -> place on the host.
PLACES: Mapping[str, Item] = {
    "cluster.env": {"path": "/var/lib/istio/envoy/cluster.env", **_READ},
    "mesh.yaml": {"path": "/var/lib/istio/config/mesh", **_READ},
    "root-cert.pem": {"path": "/etc/certs/root-cert.pem", **_OWNED, "mode": "0644", "kind": "certificates"},
    "istio-token": {
        "path": "/var/run/secrets/tokens/istio-token",
        **_OWNED,
        "mode": "0600",
        "directory_mode": "0750",
        "secret": True,
    },
}
#: Ours: what the host was like before, what keeps connections open, and what calls it.
OWN = "/var/lib/meshops"
RECORD, GUARD, DROP_IN = (
    f"{OWN}/vm_workload.json",
    f"{OWN}/guard.sh",
    "/etc/systemd/system/istio.service.d/meshops.conf",
)
#: Paths that come with the agent, that it makes, or that we do; of each it is noted whether it was there before.
TREES = (
    *("/etc/certs", "/etc/istio", "/var/lib/istio", "/var/log/istio", "/run/secrets"),
    *("/run/secrets/credential-uds", "/run/secrets/tokens"),
    *("/run/secrets/workload-spiffe-credentials", "/run/secrets/workload-spiffe-uds"),
    *("/var/lib/istio/config", "/var/lib/istio/envoy", "/var/lib/istio/proxy"),
    *("/var/log/istio/istio.err.log", "/var/log/istio/istio.log"),
    *("/etc/systemd/system/istio.service.d", "/lib/systemd/system/istio.service"),
    *("/usr/local/bin/envoy", "/usr/local/bin/istio-start.sh", "/usr/local/bin/pilot-agent"),
)
#: Directories that a package manager takes along when they are empty without the package.
PARENTS = ("/usr/local/bin",)


def placed(files: Mapping[str, str]) -> list[Item]:
    """Files with their places: items of the option ``files`` of vm_files."""
    return [{**place, "content": files[name]} for name, place in PLACES.items() if name in files]


def named(hosts: str) -> list[Item]:
    """Lines of an address and a name: items of the option ``hosts`` of vm_files."""
    return [dict(zip(("address", "name"), line.split(), strict=True)) for line in hosts.splitlines()]


def drop_in(ports: str) -> str:
    """What systemd runs before the agent's own unit; ``ports``, by which SSH comes in, are parted by blanks."""
    comment = "# meshops.mesh: open connections outlive the start of interception."
    return f"{comment}\n[Service]\nExecStartPre=+/bin/sh {GUARD} start {ports}\n"
