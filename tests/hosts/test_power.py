# SPDX-License-Identifier: Apache-2.0
"""Reboot, power and the network cable."""

from __future__ import annotations

import time

import pytest

from lab.errors import LabError
from lab.hosts import control
from tests.hosts.conftest import ansible


def test_a_reboot_keeps_files_and_forgets_the_rest(vm1):
    vm1("touch", "/root/kept", "/run/forgotten")
    vm1("iptables", "--table", "nat", "--append", "OUTPUT", "--jump", "ACCEPT")
    vm1("sh", "-c", "echo 10.99.0.9 elsewhere >>/etc/hosts")
    boot = vm1("cat", "/proc/sys/kernel/random/boot_id")
    identity = vm1("cat", "/etc/machine-id")
    started = time.monotonic()
    control.reboot("vm1")
    assert time.monotonic() - started < 20
    vm1("test", "-e", "/root/kept")
    vm1.fails("test", "-e", "/run/forgotten")
    assert "OUTPUT -j ACCEPT" not in vm1("iptables-save")
    assert "elsewhere" in vm1("cat", "/etc/hosts")
    assert vm1("cat", "/proc/sys/kernel/random/boot_id") != boot
    assert vm1("cat", "/etc/machine-id") == identity
    assert vm1("systemctl", "is-system-running", "--wait") == "running"


def test_ansible_sees_the_reboot(lab):
    assert '"rebooted": true' in ansible("--limit", "vm2", "-m", "reboot", "-a", "reboot_timeout=60")


def test_poweroff_lasts_until_it_is_switched_on(vm1, vm2):
    control.power_off("vm1")
    assert "100% packet loss" in control.execute("vm2", "ping", "-c", "1", "-W", "1", "10.99.0.241").stdout
    with pytest.raises(LabError, match="python -m lab up --clusters --hosts 1"):
        control.execute("vm1", "true")
    control.power_on("vm1")
    assert vm1("systemctl", "is-system-running", "--wait") == "running"


def test_a_link_that_is_down_stays_so_over_a_reboot(ssh, vm1):
    control.set_link("vm1", up=False)
    try:
        assert ssh("vm1", "true").returncode == 255
        # What a machine sees whose cable is out: its own end is up.
        assert "NO-CARRIER" in vm1("ip", "link", "show", "dev", "eth0")
        control.reboot("vm1")
        assert ssh("vm1", "true").returncode == 255
    finally:
        control.set_link("vm1", up=True)
    assert ssh("vm1", "true").returncode == 0


def test_behind_a_router_it_is_reached_as_before_and_does_not_know_its_address(ssh, vm2):
    control.set_router("vm2", between=True)
    try:
        assert "10.99.0.242" not in vm2("ip", "-4", "-o", "address")
        assert ssh("vm2", "true").returncode == 0
        assert "10.99.0.241" in vm2("getent", "hosts", "vm1.lab")
        control.reboot("vm2")
        assert "172.30.2.2/24" in vm2("ip", "-4", "-o", "address")
    finally:
        control.set_router("vm2", between=False)
    assert "10.99.0.242/24" in vm2("ip", "-4", "-o", "address")
    assert ssh("vm2", "true").returncode == 0
