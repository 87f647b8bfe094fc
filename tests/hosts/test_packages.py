# SPDX-License-Identifier: Apache-2.0
"""Istio's package: from the lab's APT repository, as a file, as an archive; and its unit runs the agent."""

from __future__ import annotations

import pytest

from lab import versions
from lab.hosts import control
from lab.waiting import wait_for

_SOURCE = "/etc/apt/sources.list.d/lab.list"
_PROGRAMS = ("/usr/local/bin/envoy", "/usr/local/bin/pilot-agent")


@pytest.fixture
def clean(vm1, vm2):
    """Both hosts without the package, before and after."""
    for host in (vm1, vm2):
        _purge(host)
    yield
    for host in (vm1, vm2):
        _purge(host)


def _purge(host):
    host("sh", "-c", "systemctl stop istio 2>/dev/null; dpkg --purge istio-sidecar")
    host("rm", "-rf", "/var/lib/istio", "/etc/istio", "/var/log/istio", "/etc/certs", _SOURCE, *_PROGRAMS)


def _believe_somebody(host):
    """Give the agent what it does not start without: a root certificate and a token, of nobody."""
    subject = ("-subj", "/CN=nobody", "-days", "1")
    place = ("-keyout", "/dev/null", "-out", "/etc/certs/root-cert.pem")
    host("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *place)
    host("install", "-d", "-o", "istio-proxy", "/run/secrets", "/run/secrets/tokens")
    host.write("/run/secrets/tokens/istio-token", "none")
    host("chown", "-R", "istio-proxy", "/etc/certs", "/run/secrets")


def _installed(host):
    return host("dpkg-query", "--show", "--showformat=${Version} ${Status}", "istio-sidecar").split(maxsplit=1)


def test_apt_installs_it_and_its_unit_runs_the_agent(lab, clean, vm1):
    vm1.write(_SOURCE, f"deb [trusted=yes] {lab.package_url} ./\n")
    vm1("apt-get", "-q", "update")
    vm1("apt-get", "-qy", "install", f"istio-sidecar={versions.ISTIO}")
    assert _installed(vm1) == [versions.ISTIO, "install ok installed"]
    assert vm1("stat", "--format=%a %U", *_PROGRAMS).splitlines() == ["2755 root"] * 2
    assert vm1("readlink", "/etc/istio") == "/var/lib/istio"
    assert vm1("stat", "--format=%U", "/etc/certs") == "istio-proxy"
    assert vm1("sh", "-c", "systemctl is-enabled istio || true") == "disabled"
    _believe_somebody(vm1)
    vm1("systemctl", "start", "istio")
    # There is no istiod, so the agent goes on trying.
    asked = ("grep", "--quiet", "istiod.istio-system.svc on 10.99.0.1:53: no such host", "/var/log/istio/istio.log")
    wait_for("pilot-agent", lambda: control.execute("vm1", *asked).returncode == 0, timeout_seconds=20)
    assert vm1("systemctl", "is-active", "istio") == "active"
    assert {"pilot-agent", "envoy"} <= set(vm1("ps", "--no-headers", "-u", "istio-proxy", "-o", "comm").split())
    vm1("apt-get", "-qy", "install", "--only-upgrade", "istio-sidecar")
    assert _installed(vm1)[0] == versions.ISTIO_NEXT


def test_dpkg_installs_the_file(lab, clean, vm2):
    release = f"{lab.package_url}/releases/{versions.ISTIO}/deb/istio-sidecar.deb"
    vm2("curl", "--silent", "--fail", "--output", "/root/istio-sidecar.deb", release)
    sums = vm2("curl", "--silent", "--fail", f"{lab.package_url}/SHA256SUMS")
    assert vm2("sha256sum", "/root/istio-sidecar.deb").split()[0] in sums
    vm2("dpkg", "--install", "/root/istio-sidecar.deb")
    assert _installed(vm2) == [versions.ISTIO, "install ok installed"]


def test_the_archive_has_the_same_programs_and_harms_no_directory(lab, clean, vm2):
    archive = f"{lab.package_url}/istio-sidecar-{versions.ISTIO}.tar.gz"
    vm2("sh", "-c", f"curl --silent --fail {archive} | tar --extract --gzip --directory /")
    assert vm2("readlink", "/lib") == "usr/lib"
    assert vm2("pilot-agent", "version", "--short").endswith(versions.ISTIO)
    vm2("rm", "/lib/systemd/system/istio.service")
