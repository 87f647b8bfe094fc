# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shlex

import pytest
import yaml

from lab.hosts import access, keys, services
from lab.hosts.home import HostHome
from lab.state import Cluster, Domain, Host

API = Cluster("api", "api", "api-net", nodes=False)
CLOUD = Cluster("cloud", "cloud", "cloud-net", node_address="10.99.0.12", pod_range="10.112.0.0/16")
ONPREM = Cluster("onprem", "onprem", "onprem-net")


@pytest.mark.parametrize(
    ("name", "clusters", "cluster", "network"),
    [
        ("vm1", [], "", "onprem-net"),
        ("vm1", [API], "", "onprem-net"),
        ("vm1", [API, CLOUD, ONPREM], "cloud", "cloud-net"),
        ("vm2", [CLOUD], "", "vm2-net"),
        ("vm14", [], "", "vm14-net"),
    ],
)
def test_only_the_first_host_is_on_the_network_of_a_cluster(name, clusters, cluster, network):
    host = access.describe(HostHome(name), clusters)
    assert (host.cluster, host.network) == (cluster, network)


def test_the_inventory_says_how_to_get_in():
    host = Host("vm1", "10.99.0.241", "", "onprem-net", "ops", "/a b/key", "/a b/known_hosts")
    (variables,) = yaml.safe_load(access.inventory([host]))["mesh_vms"]["hosts"].values()
    arguments = shlex.split(variables.pop("ansible_ssh_common_args"))
    assert arguments[1::2] == [
        'UserKnownHostsFile="/a b/known_hosts"',
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
    ]
    assert set(arguments[::2]) == {"-o"}
    assert variables == {
        "ansible_host": "10.99.0.241",
        "ansible_port": 22,
        "ansible_user": "ops",
        "ansible_ssh_private_key_file": "/a b/key",
        "ansible_control_path_dir": "/run/meshops-lab/vm1/ssh",
        "ansible_become": True,
        "ansible_python_interpreter": "/usr/bin/python3",
        "mesh_network": "onprem-net",
    }


def test_names_of_shared_connections_are_short_enough():
    # Ansible's digest of the target, and what ssh adds as long as the socket is not ready.
    path = HostHome("vm14").sessions / ("f" * 10 + "." + "X" * 16)
    assert len(str(path)) < 108


def test_known_hosts_leaves_comments_out():
    assert keys.known_hosts({"10.99.0.241": "ssh-ed25519 AAAA vm1"}) == "10.99.0.241 ssh-ed25519 AAAA\n"


def test_each_key_is_a_new_one_and_says_whose():
    (private, public), (_, other) = keys.generate("vm1"), keys.generate("vm1")
    assert private.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert public.startswith("ssh-ed25519 ")
    assert public.endswith(" vm1\n")
    assert public != other


def test_names_of_the_zone():
    assert services.names([("10.99.0.241", "vm1"), ("10.99.0.11", "onprem")]) == (
        "10.99.0.241 vm1.lab\n10.99.0.11 onprem.lab\n"
    )


def test_zones_of_domains_are_asked_of_their_own_servers():
    domain = Domain("domain2", "10.99.0.3", "my.cluster2", "nsm.cluster2", "spiffe://m", "/zone", "/s", "/a", "/m")
    text = services.configuration([domain])
    assert "my.cluster2:53" in text
    assert "forward . 10.99.0.3\n" in text
    assert "forward" not in services.configuration([])
