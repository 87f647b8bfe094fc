# SPDX-License-Identifier: Apache-2.0
"""A host that takes its packages as rpm, by dnf: joins, is called, gets another version each way, and leaves as it was.

Its signatures are looked at as on any such system; Istio's package has none, here as in a release.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lab import paths, state
from lab.hosts import control
from lab.hosts import workload as shop
from lab.sidecar import published
from lab.versions import ISTIO, ISTIO_NEXT

from .hosts import (
    CLUSTER,
    PORT,
    SPACE,
    VERSION,
    curl,
    gateway,
    group,
    package,
    said,
    snapshot,
    told,
    write_inventory,
)

NAME, GROUP, GATEWAY = "vm3", "rpm-vm", "rpm-gateway"
_PACKAGE = "istio-sidecar"
_REPOSITORY = "[istio]\nname=Istio's package\nbaseurl={url}\ngpgcheck=0\n"


def run_lab(*arguments):
    subprocess.run([sys.executable, "-m", "lab", *arguments], cwd=paths.CHECKOUT, check=True)


@pytest.fixture(scope="module")
def rocky(lab):
    """The host, beside those that there are, with a service of somebody who knows of no mesh."""
    there = {host.name for host in lab.hosts}
    run_lab("up", "--clusters", "--hosts", NAME.removeprefix("vm"), "--rpm", NAME)
    shop.install(NAME, "ratings", VERSION)
    text = _REPOSITORY.format(url=state.load().package_url)
    said(NAME, "sh", "-c", 'printf %s "$1" >/etc/yum.repos.d/istio.repo', "sh", text)
    yield state.load().host(NAME)
    if NAME not in there:
        run_lab("down", NAME)


@pytest.fixture(scope="module")
def declared(core, lab, rocky):
    """The way to istiod, and the group."""
    way = gateway(lab, GATEWAY, "istiod", "services")
    item = group(GROUP, network=rocky.network, service={"ports": [{"port": PORT}]})
    core(CLUSTER, "gateway", way)
    core(CLUSTER, "workload_group", item)
    core(CLUSTER, "vm_bootstrap", {"group": GROUP, "namespace": SPACE, "issue_token": False})
    core(CLUSTER, "workload_info", {})
    yield
    core(CLUSTER, "workload_group", item, "absent")
    core(CLUSTER, "gateway", way, "absent", wait=False)


def by_url(version, **more):
    return {**package(state.load(), version, "rpm"), **more}


@pytest.fixture(scope="module")
def run_on_host(play, declared, tmp_path_factory):
    """Plays on the host, with this package."""
    inventory = tmp_path_factory.mktemp("rpm") / "hosts.json"
    write_inventory(inventory, {NAME: {"vm_workload_group": GROUP}}, vm_workload_gateway=f"istio-system/{GATEWAY}")

    def run(playbook, source, *arguments, version=""):
        declared = json.dumps({"vm_workload_package": source, "vm_workload_version": version})
        return play(f"meshops.mesh.{playbook}", "-i", str(inventory), "-e", declared, *arguments)

    return run


@pytest.fixture(scope="module")
def before(run_on_host):
    """What the host is like, all tables of netfilter having been looked at once."""
    snapshot(NAME)
    return snapshot(NAME)


def installed():
    """Which of the package is installed; nothing where it is not."""
    found = control.execute(NAME, "rpm", "--query", "--queryformat", "%{VERSION}", _PACKAGE)
    return "" if found.returncode else found.stdout


def test_a_package_without_a_signature_is_not_taken_unless_that_is_said(run_on_host, before):
    played = run_on_host("join_vm", by_url(ISTIO))
    assert played.failed == {NAME: 1}, played.output
    assert "is not signed (sign it with a key that the host knows, or set vm_workload_package." in played.output
    assert installed() == ""
    assert said(NAME, "ls", "/var/lib/meshops") == "guard.sh\nvm_workload.json\n"


def test_it_joins_with_an_rpm_by_url(run_on_host, before, core, rocky):
    played = run_on_host("join_vm", by_url(ISTIO, disable_gpg_check=True))
    assert played.code == 0, played.output
    assert installed() == ISTIO
    assert told(core)[rocky.address]["healthy"]


def test_pods_call_it_and_it_calls_pods(client):
    answer = client(f"http://{GROUP}.{SPACE}:{PORT}/ratings/0")
    assert f"x-shop-version: ratings/{VERSION}" in answer, answer
    answer = curl(NAME, f"http://details.{SPACE}:{PORT}/details/0")
    assert "x-shop-version: details/v1" in answer, answer


def test_without_a_certificate_nobody_is_let_in(rocky):
    url = f"http://{rocky.address}:{PORT}/ratings/0"
    done = control.execute("vm2", "curl", "--silent", "--max-time", "5", url)
    assert done.returncode in (52, 56), (done.returncode, done.stdout)  # empty reply, connection reset


def test_another_version_comes_from_the_controller_and_the_older_one_from_a_repository(run_on_host, lab):
    newer = str(paths.PACKAGES / published(state.load(), ISTIO_NEXT, "rpm")[0].rpartition("/")[2])
    steps = [({"path": newer, "disable_gpg_check": True}, ISTIO_NEXT), ({"repository": True}, ISTIO)]
    for source, version in steps:
        played = run_on_host("join_vm", source, version=version)
        assert played.code == 0, played.output
        assert installed() == version
    again = run_on_host("join_vm", {"repository": True}, version=ISTIO)
    assert (again.code, again.changed) == (0, {NAME: 0}), again.output


def test_it_leaves_as_if_it_had_never_been_there(run_on_host, before, core, rocky):
    planned = run_on_host("leave_vm", {}, "--check")
    assert planned.code == 0, planned.output
    assert installed() == ISTIO
    played = run_on_host("leave_vm", {})
    assert played.code == 0, played.output
    assert planned.changed[NAME] <= played.changed[NAME]
    assert rocky.address not in told(core)
    assert snapshot(NAME) == before
