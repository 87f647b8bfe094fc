# SPDX-License-Identifier: Apache-2.0
"""A host that takes its packages as rpm: dnf installs Istio's, from the lab's repository and as a file."""

from __future__ import annotations

import pytest

from lab import versions
from lab.hosts import control
from tests.hosts.conftest import UP, Shell, ansible, run_lab

_NAME, _UP = "vm3", ("up", "--clusters", "--hosts", "3", "--rpm", "vm3")
_CONFIGURATION = "/var/lib/istio/envoy/sidecar.env"
_PROGRAMS = ("/usr/local/bin/envoy", "/usr/local/bin/pilot-agent")


@pytest.fixture(scope="module")
def rocky(lab):
    """The host, new, with the lab's repository."""
    run_lab("down", _NAME)
    run_lab(*_UP)
    shell = Shell(_NAME)
    shell.write("/etc/yum.repos.d/lab.repo", f"[lab]\nname=lab\nbaseurl={lab.package_url}\ngpgcheck=0\n")
    yield shell
    run_lab("down", _NAME)


def _installed(host):
    return host("rpm", "--query", "--queryformat", "%{VERSION}", "istio-sidecar")


def test_it_says_what_it_is(rocky):
    said = ansible("--limit", _NAME, "-m", "ansible.builtin.setup", "-a", "filter=ansible_distribution,ansible_pkg_mgr")
    assert '"ansible_distribution": "Rocky"' in said
    assert '"ansible_pkg_mgr": "dnf"' in said
    assert "Debian with rpm" in rocky("cat", "/etc/os-release")
    assert rocky("systemctl", "is-system-running", "--wait") == "running"


def test_dnf_installs_it_from_the_repository_and_upgrades_it(rocky):
    wanted = f"name=istio-sidecar-{versions.ISTIO}"
    assert "CHANGED" in ansible("--limit", _NAME, "-m", "ansible.builtin.dnf", "-a", wanted)
    assert _installed(rocky) == versions.ISTIO
    assert rocky("stat", "--format=%a %U", *_PROGRAMS).splitlines() == ["2755 root"] * 2
    assert rocky("readlink", "/etc/istio") == "/var/lib/istio"
    assert rocky("stat", "--format=%U", "/etc/certs") == "istio-proxy"
    assert rocky("sh", "-c", "systemctl is-enabled istio || true") == "disabled"
    assert rocky("pilot-agent", "version", "--short").endswith(versions.ISTIO)
    rocky("sh", "-c", f"echo SOMEBODYS=own >>{_CONFIGURATION}")
    rocky("dnf", "--quiet", "--assumeyes", "upgrade", "istio-sidecar")
    assert _installed(rocky) == versions.ISTIO_NEXT
    assert "SOMEBODYS=own" in rocky("cat", _CONFIGURATION)
    rocky("dnf", "--quiet", "--assumeyes", "remove", "istio-sidecar")
    rocky.fails("test", "-e", _PROGRAMS[0])


def test_the_file_is_that_of_a_release_and_has_no_signature(rocky, lab):
    release = f"{lab.package_url}/releases/{versions.ISTIO}/rpm/istio-sidecar.rpm"
    rocky("curl", "--silent", "--fail", "--output", "/root/istio-sidecar.rpm", release)
    sums = rocky("curl", "--silent", "--fail", f"{lab.package_url}/SHA256SUMS")
    assert rocky("sha256sum", "/root/istio-sidecar.rpm").split()[0] in sums
    install = ("dnf", "--quiet", "--assumeyes", "install", "/root/istio-sidecar.rpm")
    assert "is not signed" in rocky.fails(*install, "--setopt=localpkg_gpgcheck=1")
    rocky(*install)
    assert _installed(rocky) == versions.ISTIO


@pytest.mark.parametrize(
    ("name", "reason"),
    [("vm2", "it is there, and takes debs; run first: python -m lab down vm2"), ("vm9", "is not among the hosts")],
)
def test_a_host_is_of_the_kind_that_it_began_with(rocky, name, reason):
    with pytest.raises(AssertionError, match=reason):
        run_lab(*UP[3:], "--rpm", name)


def test_it_stays_so_when_it_boots_again(rocky):
    control.reboot(_NAME)
    run_lab(*_UP[:-2])
    assert rocky("readlink", "/bin/sh") == "bash"
    assert _installed(rocky) == versions.ISTIO
