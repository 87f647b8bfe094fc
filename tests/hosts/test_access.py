# SPDX-License-Identifier: Apache-2.0
"""The ways in: SSH with the lab's key and strict checking, Ansible by the inventory that the lab writes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.hosts.conftest import NAMES, ansible


def test_ansible_reaches_both_and_finds_systemd(lab):
    assert ansible("-m", "ping").count("SUCCESS") == len(NAMES)
    facts = ansible("-m", "setup", "-a", "filter=ansible_service_mgr,ansible_distribution")
    assert facts.count('"ansible_service_mgr": "systemd"') == len(NAMES)


def test_the_inventory_says_the_network(lab):
    shown = ansible("-m", "debug", "-a", "var=mesh_network", "-o")
    assert '"mesh_network": "vm2-net"' in shown.replace("\\", "")


@pytest.mark.parametrize("name", NAMES)
def test_the_user_becomes_root_without_a_password(ssh, name):
    done = ssh(name, "sudo", "-n", "id", "-un")
    assert (done.returncode, done.stdout.strip()) == (0, "root"), done.stderr


def test_root_is_not_let_in(ssh):
    done = ssh("vm1", "true", user="root")
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_the_key_is_the_only_way_in(lab, ssh):
    host = lab.host("vm1")
    tried = ["ssh", "-o", f"UserKnownHostsFile={host.known_hosts}", "-o", "PubkeyAuthentication=no"]
    done = subprocess.run(
        [*tried, "-o", "BatchMode=yes", f"{host.user}@{host.address}", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Permission denied (publickey)" in done.stderr


def test_hosts_are_told_apart(lab, vm1, vm2):
    """Neither identifier nor host key comes from what they share."""
    for path in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub", "/etc/hostname"):
        assert vm1("cat", path) != vm2("cat", path)
    assert vm1("hostname") == "vm1"


def test_exec_passes_the_exit_code_on(lab):
    command = [sys.executable, "-m", "lab", "host", "exec", "vm2", "--", "sh", "-c", "echo $HOSTNAME; exit 7"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 7


def test_the_state_file_knows_them(lab):
    shown = subprocess.run([sys.executable, "-m", "lab", "status", "--json"], capture_output=True, check=True)
    hosts = {host["name"]: host for host in json.loads(shown.stdout)["hosts"]}
    assert [hosts[name]["address"] for name in NAMES] == ["10.99.0.241", "10.99.0.242"]
    assert {hosts[name]["power"] for name in NAMES} == {"on"}
