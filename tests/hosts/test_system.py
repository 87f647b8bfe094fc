# SPDX-License-Identifier: Apache-2.0
"""What runs in a host is a whole system, and it stays in there."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.addresses import BRIDGE_ADDRESS
from lab.hosts import control
from tests.hosts.conftest import NAMES, Shell


@pytest.mark.parametrize("name", NAMES)
def test_it_is_running_and_nothing_failed(lab, name):
    assert Shell(name)("systemctl", "is-system-running", "--wait") == "running"


def test_services_of_packages_are_not_started(vm1):
    for unit in ("nginx", "mariadb", "cloud-init"):
        assert vm1("sh", "-c", f"systemctl is-active {unit} || true") == "inactive"


def test_nginx_answers(vm1):
    vm1("systemctl", "start", "nginx")
    assert "nginx" in vm1("curl", "--silent", "--fail", "http://127.0.0.1/")
    vm1("systemctl", "stop", "nginx")


def test_mariadb_answers(vm1):
    vm1("systemctl", "start", "mariadb")
    assert vm1("mariadb", "--batch", "--skip-column-names", "--execute", "select 6*7") == "42"
    vm1("systemctl", "stop", "mariadb")


def test_cloud_init_runs_when_it_is_given_a_seed(ssh, vm2):
    seed = "/var/lib/cloud/seed/nocloud"
    vm2("mkdir", "-p", seed)
    vm2.write(f"{seed}/meta-data", "instance-id: i-1\n")
    vm2.write(f"{seed}/user-data", "#cloud-config\nruncmd: [[touch, /root/seeded]]\n")
    vm2("mv", "/etc/cloud/cloud-init.disabled", "/root/")
    control.reboot("vm2")
    assert "status: done" in vm2("cloud-init", "status", "--wait")
    vm2("test", "-e", "/root/seeded")
    assert ssh("vm2", "sudo", "systemctl", "is-system-running", "--wait").stdout.strip() == "running"
    vm2("mv", "/root/cloud-init.disabled", "/etc/cloud/")


@pytest.mark.parametrize("path", ["/proc/sys/kernel/panic", "/proc/sys/vm/swappiness", "/proc/sys/fs/file-max"])
def test_settings_of_the_machine_cannot_be_changed(vm1, path):
    before = Path(path).read_text(encoding="ascii")
    assert "Read-only" in vm1.fails("sh", "-c", f"echo 7 >{path}")
    assert Path(path).read_text(encoding="ascii") == before


def test_the_clock_and_the_machines_log_are_out_of_reach(vm1):
    assert "not permitted" in vm1.fails("setpriv", "--bounding-set=-sys_time", "date", "--set", "2001-01-01")
    dropped = vm1("sh", "-c", "grep CapBnd /proc/1/status")
    assert not int(dropped.split()[1], 16) >> 25 & 1  # CAP_SYS_TIME


def test_settings_of_its_network_are_its_own(vm1, vm2):
    path = "/proc/sys/net/ipv4/ip_default_ttl"
    before = Path(path).read_text(encoding="ascii")
    vm1("sh", "-c", f"echo 77 >{path}")
    assert vm1("cat", path) == "77"
    assert vm2("cat", path) == before.strip() == Path(path).read_text(encoding="ascii").strip()


def test_names_are_answered_at_once(vm1):
    lookup = "import socket, sys, time; start = time.monotonic()\n"
    assert vm1("getent", "hosts", "vm2.lab").split() == ["10.99.0.242", "vm2.lab"]
    unknown = (
        f"{lookup}try:\n  socket.getaddrinfo('istiod.istio-system.svc', 443)\n"
        "except socket.gaierror as error:\n  print(error.errno == socket.EAI_NONAME, time.monotonic() - start < 1)"
    )
    assert vm1("python3", "-c", unknown) == "True True"
    assert vm1("cat", "/etc/resolv.conf") == f"nameserver {BRIDGE_ADDRESS}"


def test_hosts_reach_each_other(vm1):
    assert "0% packet loss" in vm1("ping", "-c", "1", "-W", "2", "10.99.0.242")
