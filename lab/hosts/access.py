# SPDX-License-Identifier: Apache-2.0
"""How to get at hosts: their entries in the state file, and an Ansible inventory that says the same."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence

import yaml

from lab import paths
from lab.hosts import files, keys, network
from lab.hosts.home import USER, HostHome
from lab.state import Cluster, Host, write_atomically

_GROUP = "mesh_vms"
#: The network of the first host as long as there is no cluster: that of the usual first one.
_FIRST_NETWORK = "onprem-net"


def describe(home: HostHome, clusters: Sequence[Cluster]) -> Host:
    """Its entry in the state file, beside these clusters."""
    cluster = network.cluster_of(home, clusters)
    alone = _FIRST_NETWORK if network.shares_cluster(home) else f"{home.name}-net"
    return Host(
        name=home.name,
        address=home.address,
        cluster=cluster.name if cluster else "",
        network=cluster.network if cluster else alone,
        user=USER,
        private_key=str(keys.PRIVATE_KEY),
        known_hosts=str(keys.KNOWN_HOSTS),
        packages=home.packages,
    )


def write(hosts: Sequence[Host]) -> None:
    """The files that SSH clients and Ansible need; none without a host."""
    if not hosts:
        shutil.rmtree(paths.SSH, ignore_errors=True)
        paths.HOST_INVENTORY.unlink(missing_ok=True)
        return
    public_keys = {host.address: files.public_key(HostHome(host.name)) for host in hosts}
    known = {address: key for address, key in public_keys.items() if key is not None}
    write_atomically(keys.KNOWN_HOSTS, keys.known_hosts(known), 0o644)
    write_atomically(paths.HOST_INVENTORY, inventory(hosts), 0o644)


def inventory(hosts: Sequence[Host]) -> str:
    """An Ansible inventory in YAML."""
    return yaml.safe_dump({_GROUP: {"hosts": {host.name: _variables(host) for host in hosts}}}, sort_keys=False)


def _variables(host: Host) -> dict[str, object]:
    # Quoted for SSH, which takes several files there.
    options = (f'UserKnownHostsFile="{host.known_hosts}"', "StrictHostKeyChecking=yes", "IdentitiesOnly=yes")
    return {
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_user": host.user,
        "ansible_ssh_private_key_file": host.private_key,
        "ansible_ssh_common_args": shlex.join(word for option in options for word in ("-o", option)),
        # Ansible's own place is the user's, where a lab in another network namespace would find them, too.
        "ansible_control_path_dir": str(HostHome(host.name).sessions),
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "mesh_network": host.network,
    }
