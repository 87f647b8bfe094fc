# SPDX-License-Identifier: Apache-2.0
"""Why a host cannot join: a host that can, and one thing of it changed at a time."""

from __future__ import annotations

import importlib

import pytest

joining = importlib.import_module("plugins.plugin_utils.joining")
clock = importlib.import_module("plugins.plugin_utils.clocks")

GIB = 1 << 30
WANTED = {
    "group": "ratings",
    "namespace": "shop",
    "revision": "default",
    "address": "",
    "external_address": "",
    "gateway": "",
    "gateway_address": "",
    "package": {"url": "https://mirror.example.com/istio-sidecar.deb", "checksum": "sha256:1"},
    "version": "",
    "service_manager": "systemd",
    "capture_dns": True,
    "auto_register": True,
    "exclude_inbound_ports": [],
    "environment": {},
    "token_seconds": 600,
    "ssh_ports": [22],
}
AGENT = {"version": "", "package_version": "", "others": []}
HOST = {
    "os": {"id": "debian", "version": "12", "family": "debian"},
    "architecture": "amd64",
    "service_manager": "systemd",
    "clock_skew": 0.3,
    "certificate": "",
    "agent": AGENT,
    "installed": "",
    "listening": [],
    "ssh_ports": [22, 2222],
    "iptables": {"programs": ["iptables"], "usable": True, "reason": ""},
    "sudo": True,
    "disk": [{"path": path, "free": GIB} for path in ("/usr/local/bin", "/var/lib/istio", "/var/log/istio", "/etc")],
    "systemd_resolved": {"active": False, "stub": False, "nss": False},
    "addresses": ["10.99.0.241", "fd00::a"],
    "reach": [],
    "named": [],
    "record": {},
    "paths": [],
}
INSTALLED = {**AGENT, "version": "1.31.0", "package_version": "1.31.0"}


def lines(host=HOST, wanted=WANTED):
    return [str(finding) for finding in joining.findings(wanted, host)]


def test_a_host_that_can_join():
    assert lines() == []


@pytest.mark.parametrize(
    ("host", "wanted", "line"),
    [
        (
            {"os": {"id": "alpine", "version": "3", "family": "other"}},
            {},
            "system: packages are known for Debian's and Red Hat's families, not for alpine "
            "(give vm_workload_package.files, programs without a package)",
        ),
        ({"architecture": "riscv64"}, {}, "architecture: Envoy does not run on riscv64 (use amd64 or arm64)"),
        (
            {"service_manager": "none"},
            {},
            "service manager: systemd does not run here "
            "(set vm_workload_service_manager to none, and vm_workload_start to what starts the agent)",
        ),
        (
            {},
            {"package": {}},
            "vm_workload_package: says nowhere to take the agent from (give one of url, path, repository, files)",
        ),
        (
            {},
            {"package": {"url": "a", "path": "b", "checksum": "c"}},
            "vm_workload_package: has url and path (give one of url, path, repository, files)",
        ),
        (
            {},
            {"package": {"url": "https://a/b.deb"}},
            "vm_workload_package: url without checksum (give checksum, such as sha256:<digits>)",
        ),
        (
            {},
            {"package": {"repository": True, "disable_gpg_check": True}},
            "vm_workload_package: disable_gpg_check with repository: nothing would tell what is installed "
            "(say so on the host, by gpgcheck=0 of that repository alone)",
        ),
        (
            {},
            {"package": {"path": "/a/istio-sidecar.deb"}},
            "vm_workload_package: /a/istio-sidecar.deb is no file that can be read on the controller "
            "(give the path of a deb or rpm there)",
        ),
        (
            {},
            {"package": {"path": "/a/istio-sidecar.rpm", "checksum": "sha256:1"}},
            "vm_workload_package: istio-sidecar.rpm is none for debian (give a .deb)",
        ),
        (
            {"clock_skew": -3600.0},
            {},
            "clock: 3600 s behind the controller's, and certificates tell by it whether they are valid "
            "(set it, by chrony or such)",
        ),
        (
            {"listening": [{"port": 15001, "pid": 7, "process": "nginx"}]},
            {},
            "port 15001: taken by nginx (pid 7), and the agent needs it (let it listen elsewhere)",
        ),
        (
            {"disk": [{"path": "/usr/local/bin", "free": 5 << 20}]},
            {},
            "/usr/local/bin: 5 MB are free, 300 are needed (free some space)",
        ),
        (
            {"iptables": {"programs": ["iptables"], "usable": False, "reason": "iptables-nft-restore: no owner"}},
            {},
            "iptables: the kernel does not take the agent's rules: iptables-nft-restore: no owner (load ip_tables, "
            "nf_conntrack, xt_owner and xt_REDIRECT, or take a kernel that has them)",
        ),
        (
            {"iptables": {"programs": [], "usable": None, "reason": ""}},
            {"package": {"files": "a.tar.gz", "checksum": "c"}},
            "iptables: not installed, and the agent intercepts traffic by it (install iptables)",
        ),
        (
            {"agent": {**AGENT, "others": ["linkerd2-proxy"]}},
            {},
            "linkerd2-proxy: another mesh's agent intercepts traffic here (let the host leave that mesh first)",
        ),
        (
            {},
            {"address": "10.1.1.1"},
            "vm_workload_address: 10.1.1.1 is no address of this host, which has 10.99.0.241, fd00::a "
            "(give one of those, or vm_workload_external_address for a host behind NAT)",
        ),
        (
            {"addresses": []},
            {},
            "vm_workload_address: the host has no address but for loopback (give it one)",
        ),
        (
            {"agent": INSTALLED, "installed": "sha256:1"},
            {"version": "1.30.0"},
            "vm_workload_version: 1.30.0 is declared, and vm_workload_package is 1.31.0 "
            "(declare the package of that version, or leave the version out)",
        ),
    ],
)
def test_what_is_wrong_is_one_line(host, wanted, line):
    assert lines({**HOST, **host}, {**WANTED, **wanted}) == [line]


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ({"clock_skew": 59.0}, {}),
        ({"listening": [{"port": 15001, "pid": 7, "process": "envoy"}]}, {}),
        ({"agent": INSTALLED, "disk": [{"path": "/usr/local/bin", "free": 5 << 20}]}, {"package": {}}),
        ({"os": {"id": "alpine", "family": "other"}}, {"package": {"files": "a", "checksum": "c"}}),
        ({"iptables": {"programs": [], "usable": None, "reason": "iptables is not installed"}}, {}),
        ({"service_manager": "none"}, {"service_manager": "none"}),
        ({}, {"external_address": "203.0.113.7"}),
        ({}, {"address": "fd00::a"}),
        (
            {
                "os": {"id": "rocky", "family": "redhat"},
                "agent": {**INSTALLED, "package_version": "1.31.0-1"},
                "installed": "sha256:1",
            },
            {"version": "1.31.0", "package": {"url": "https://a/b.rpm", "checksum": "sha256:1"}},
        ),
    ],
)
def test_what_is_not_wrong(host, wanted):
    assert lines({**HOST, **host}, {**WANTED, **wanted}) == []


def test_what_is_worth_knowing_refuses_nothing():
    host = {**HOST, "systemd_resolved": {"active": True, "stub": True, "nss": True}}
    assert [finding.fatal for finding in joining.findings(WANTED, host)] == [False]
    assert lines(host, {**WANTED, "capture_dns": False}) == []


def test_whose_directories_become_the_agents():
    found = {"path": "/etc/certs", "kind": "directory", "owner": "ops", "group": "ops", "mode": "0700"}
    (line,) = joining.findings(WANTED, {**HOST, "paths": [found]})
    assert (line.where, line.fatal) == ("/etc/certs", False)
    assert "is there already, and ops's; istio-proxy owns it until the host leaves" in str(line)
    for other in ({"kind": "absent", "owner": ""}, {"owner": "istio-proxy"}, {"path": "/var/lib/istio"}):
        assert lines({**HOST, "paths": [{**found, **other}]}) == []
    assert lines({**HOST, "paths": [found], "record": {"paths": ["/etc/certs"]}}) == []


@pytest.mark.parametrize(
    ("agent", "noted", "wanted", "installs"),
    [
        (AGENT, "", {}, True),
        (INSTALLED, "", {}, False),
        (INSTALLED, "sha256:1", {}, False),
        (INSTALLED, "sha256:0", {}, True),
        (INSTALLED, "", {"version": "1.31.0"}, False),
        (INSTALLED, "", {"version": "1.31.1"}, True),
        # What a package calls itself counts, not what is in it.
        ({**INSTALLED, "package_version": "1.31.1"}, "", {"version": "1.31.1"}, False),
        (INSTALLED, "sha256:1", {"version": "1.31.1"}, False),
        (AGENT, "sha256:1", {}, True),
        ({**INSTALLED, "package_version": "1.31.01"}, "", {"version": "1.31.0"}, True),
    ],
)
def test_when_the_agent_is_installed(agent, noted, wanted, installs):
    assert joining.installs({**WANTED, **wanted}, {**HOST, "agent": agent, "installed": noted}) is installs


@pytest.mark.parametrize(
    ("family", "package", "version", "installs"),
    [
        ("redhat", "1.31.0-1", "1.31.0", False),
        ("redhat", "1.31.0-1", "1.31.0-1", False),
        ("redhat", "1.31.0-1", "1.31.0-2", True),
        ("redhat", "1.31.0-1", "1.31", True),
        # To APT it is one word.
        ("debian", "1.31.0-1", "1.31.0", True),
    ],
)
def test_of_an_rpm_the_release_need_not_be_said(family, package, version, installs):
    host = {"os": {**HOST["os"], "family": family}, "agent": {**INSTALLED, "package_version": package}}
    assert joining.installs({**WANTED, "version": version}, {**HOST, **host}) is installs


ANSWER = {"istiod": {"name": "istiod.istio-system.svc", "addresses": ["10.99.0.64", "10.99.0.65"], "port": 15012}}
WELL = {"address": "10.99.0.64", "port": 15012, "ok": True, "reason": ""}
REFUSED = {"address": "10.99.0.65", "port": 15012, "ok": False, "reason": "refused: nothing listens there"}


@pytest.mark.parametrize(
    ("reach", "fatal"),
    [([WELL], []), ([WELL, REFUSED], [False]), ([REFUSED], [True]), ([REFUSED, REFUSED], [True, True])],
)
def test_one_way_to_istiod_is_enough(reach, fatal):
    found = joining.later_findings(WANTED, {**HOST, "reach": reach}, ANSWER)
    assert [finding.fatal for finding in found] == fatal
    for finding in found:
        assert str(finding).startswith("istiod at 10.99.0.65 port 15012: refused: nothing listens there (open the way")


def test_a_line_of_others_in_etc_hosts():
    host = {**HOST, "reach": [WELL], "named": ["10.99.0.64", "10.0.0.9"]}
    (found,) = joining.later_findings(WANTED, host, ANSWER)
    said = "a line that is not ours gives istiod.istio-system.svc the address 10.0.0.9"
    assert str(found) == f"/etc/hosts: {said} (remove that line)"


def test_every_ssh_port_is_excluded():
    wanted = {**WANTED, "exclude_inbound_ports": ["9100"], "ssh_ports": [2200]}
    found = joining.request(wanted, HOST, "vm1")
    assert found == {
        "host": "vm1",
        "group": "ratings",
        "namespace": "shop",
        "revision": "default",
        "internal_address": "10.99.0.241",
        "capture_dns": True,
        "auto_register": True,
        "exclude_inbound_ports": [22, 2200, 2222, 9100],
        "environment": {},
        "token_seconds": 600,
    }


@pytest.mark.parametrize(
    ("wanted", "address", "option"),
    [
        ({}, "10.99.0.241", "internal_address"),
        ({"address": "fd00::a"}, "fd00::a", "internal_address"),
        ({"external_address": "203.0.113.7"}, "203.0.113.7", "external_address"),
    ],
)
def test_the_address(wanted, address, option):
    found = joining.request({**WANTED, **wanted}, HOST, "vm1")
    assert joining.address({**WANTED, **wanted}, HOST) == address
    assert {key: value for key, value in found.items() if key.endswith("_address")} == {option: address}


@pytest.mark.parametrize(
    ("host", "sent", "answered", "skew"),
    [(5.0, 4.0, 6.0, 0.0), (4.0, 4.5, 6.0, -0.5), (70.0, 4.0, 6.0, 64.0)],
)
def test_a_clock_is_off_by_what_the_round_trip_cannot_explain(host, sent, answered, skew):
    assert clock.skew(host, sent, answered) == skew
