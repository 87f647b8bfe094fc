# SPDX-License-Identifier: Apache-2.0
"""A host in the mesh, and one hop of its way broken at a time."""

from __future__ import annotations

import copy
import datetime
import importlib
from typing import Any

import pytest

from tests.certificates import authority, certificate

hops = importlib.import_module("plugins.plugin_utils.hops")

NOW = datetime.datetime.now(datetime.UTC)
LATER, BEFORE = (NOW + datetime.timedelta(hours=hours) for hours in (1, -1))
IDENTITY = "spiffe://cluster.local/ns/shop/sa/ratings"
ROOT = authority("root")
CHAIN = certificate(ROOT, IDENTITY).pem
NAME, ADDRESS, GATEWAY = "istiod.istio-system.svc", "10.99.0.241", "10.99.0.65"
WANTED: dict[str, Any] = {
    "group": "ratings",
    "namespace": "shop",
    "address": "",
    "external_address": "",
    "capture_dns": True,
    "auto_register": True,
    "exclude_inbound_ports": [],
    "ssh_ports": [22],
}
CAPTURE: dict[str, Any] = {
    "hooks": ["ISTIO_INBOUND", "ISTIO_OUTPUT"],
    "redirects": [15001, 15006, 15053],
    "inbound": [9080],
    "excluded": [15008],
    "guard": True,
    "spoken": [22],
}
NOTHING: dict[str, Any] = {"hooks": [], "redirects": [], "inbound": [], "excluded": [], "guard": False, "spoken": []}
HOST: dict[str, Any] = {
    "clock_skew": 0.0,
    "addresses": [ADDRESS],
    "resolved": [
        {"name": NAME, "addresses": [GATEWAY], "reason": ""},
        {"name": "istiod.istio-system", "addresses": ["10.161.0.5"], "reason": ""},
    ],
    "reach": [{"address": GATEWAY, "port": 15012, "ok": True, "reason": ""}],
    "certificate": CHAIN,
    "token": {"exists": False, "expires": 0.0},
    "agent": {
        "version": "1.31.0",
        "running": True,
        "ready": True,
        "reason": "",
        "complaints": [],
        "unit": {"state": "active/running (success)"},
    },
    "capture": {"ipv4": CAPTURE, "ipv6": NOTHING},
    "ssh_ports": [22],
}
ANSWER: dict[str, Any] = {
    "istiod": {"name": NAME, "port": 15012, "addresses": [GATEWAY]},
    "identity": IDENTITY,
    "network": "",
    "revision": "default",
    "files": {"root-cert.pem": ROOT.pem, "cluster.env": "A='1'\nISTIO_INBOUND_PORTS='9080'\n"},
}
ENTRY: dict[str, Any] = {
    "namespace": "shop",
    "name": "ratings-10.99.0.241",
    "group": "ratings",
    "address": ADDRESS,
    "network": "",
    "connected": True,
    "healthy": True,
    "message": "",
    "since": "2026-01-01T00:00:00Z",
}
VERSION = "1.31.0"


def walked(host=HOST, wanted=WANTED, answer=ANSWER, entries=(ENTRY,), version=VERSION):
    return hops.hops(hops.Seen(host, wanted, answer, entries, version, NOW))


def broken(**changed):
    return [(item.hop, str(item)) for item in walked(**changed) if not item.passed]


def with_(base, **changed):
    """A copy; ``a__b`` is ``b`` within ``a``."""
    found = copy.deepcopy(base)
    for path, value in changed.items():
        *within, last = path.split("__")
        place = found
        for key in within:
            place = place[key]
        place[last] = value
    return found


def test_a_host_that_is_in_the_mesh():
    assert broken() == []
    assert [item.hop for item in walked()] == list(hops.HOPS)
    assert all(item.text and not item.remedy for item in walked())


def unresolved(reason):
    return with_(HOST, resolved=[{"name": NAME, "addresses": [], "reason": reason}, HOST["resolved"][1]])


FAR = {"name": NAME, "addresses": ["10.161.0.5"], "reason": ""}
MISLED = with_(HOST, resolved=[FAR, HOST["resolved"][1]])
UNREACHED = [{"address": GATEWAY, "port": 15012, "ok": False, "reason": "refused: nothing listens there"}]
OTHERS = certificate(authority("other"), IDENTITY).pem
NO_CERTIFICATE = with_(HOST, certificate="")
ALL_PORTS = with_(ANSWER, files={**ANSWER["files"], "cluster.env": "ISTIO_INBOUND_PORTS='*'\n"})


@pytest.mark.parametrize(
    ("changed", "hop", "text"),
    [
        ({"host": with_(HOST, clock_skew=3600.0)}, "clock", "is 3600 s ahead of the controller's: set it"),
        ({"host": with_(HOST, clock_skew=-61.0)}, "clock", "is 61 s behind the controller's"),
        ({"host": unresolved("no such host name")}, "dns", f"{NAME} is not resolved: no such host name: run join_vm"),
        (
            {"host": with_(HOST, resolved=[FAR, HOST["resolved"][1]])},
            "dns",
            f"is 10.161.0.5 here, and the gateway {GATEWAY}",
        ),
        ({"host": with_(HOST, reach=UNREACHED)}, "istiod", f"{GATEWAY}:15012 does not answer as istiod: refused"),
        ({"host": with_(HOST, reach=[])}, "istiod", "the gateway has no address"),
        ({"host": with_(HOST, certificate="none")}, "certificate", "its certificate cannot be read"),
        ({"host": with_(HOST, certificate=OTHERS)}, "certificate", "its certificate is of another root"),
        (
            {"answer": with_(ANSWER, identity="spiffe://x/ns/a/sa/b")},
            "certificate",
            f"its certificate is of {IDENTITY}",
        ),
        ({"host": NO_CERTIFICATE}, "certificate", "it has no certificate"),
        ({"host": with_(HOST, agent__version="")}, "agent", "is not there: no agent is installed: run join_vm"),
        (
            {"host": with_(HOST, agent__running=False, agent__unit={"state": "failed/failed (exit-code)"})},
            "agent",
            "does not run: failed/failed (exit-code): systemctl start istio",
        ),
        (
            {"host": with_(HOST, agent__ready=False, agent__reason="503", agent__complaints=["no token"])},
            "agent",
            "is not ready: 503; no token",
        ),
        ({"entries": ()}, "xds", f"host {ADDRESS} has no WorkloadEntry in namespace shop"),
        ({"entries": "the API server is away"}, "xds", "cannot be looked up: the API server is away"),
        ({"entries": [{**ENTRY, "connected": False}]}, "xds", "is not connected since 2026-01-01"),
        ({"entries": [{**ENTRY, "group": "other"}]}, "entry", "is of group other, not ratings"),
        ({"entries": [{**ENTRY, "network": "vm2-net"}]}, "entry", "is in network vm2-net, not of the cluster"),
        (
            {"entries": [{**ENTRY, "healthy": False, "message": "503"}]},
            "entry",
            "is unhealthy: 503: look at the workload",
        ),
        (
            {"host": with_(HOST, capture__ipv4={**NOTHING, "guard": True, "spoken": [22]})},
            "interception",
            "lacks chain",
        ),
        ({"host": with_(HOST, capture__ipv4__redirects=[15001, 15006])}, "interception", "lacks redirection to 15053"),
        ({"host": with_(HOST, capture__ipv4__inbound=[80])}, "interception", "does not capture port 9080"),
        ({"answer": ALL_PORTS}, "interception", "does not capture all ports"),
        ({"host": with_(HOST, ssh_ports=[22, 9080], capture__ipv4__spoken=[22, 9080])}, "ssh", "captures port 9080"),
        ({"answer": ALL_PORTS, "host": with_(HOST, capture__ipv4__inbound=[0])}, "ssh", "captures port 22"),
        ({"host": with_(HOST, capture__ipv4__guard=False)}, "guard", "no rule of meshops.mesh"),
        ({"host": with_(HOST, ssh_ports=[22, 2222])}, "guard", "may redirect what SSH says from port 2222"),
        ({"host": with_(HOST, resolved=HOST["resolved"][:1])}, "names", "istiod.istio-system is not resolved"),
        ({"version": "1.30.2"}, "version", "agent 1.31.0 is newer than the control plane, 1.30.2"),
        ({"version": "1.34.0"}, "version", "is more than 2 minor versions older than the control plane, 1.34.0"),
    ],
)
def test_what_is_broken_is_named(changed, hop, text):
    first, line = broken(**changed)[0]
    assert first == hop
    assert line.startswith(f"broken: {hop}: ")
    assert text in line


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ({"exists": False, "expires": 0.0}, "is not there, and the agent needs it"),
        ({"exists": True, "expires": 0.0}, "is no token"),
        ({"exists": True, "expires": BEFORE.timestamp()}, "expired at"),
    ],
)
def test_without_a_certificate_the_token_counts(token, text):
    host = with_(NO_CERTIFICATE, token=token)
    assert [hop for hop, _line in broken(host=host)] == ["certificate", "token"]
    assert text in broken(host=host)[1][1]
    good = with_(NO_CERTIFICATE, token={"exists": True, "expires": LATER.timestamp()})
    assert [hop for hop, _line in broken(host=good)] == ["certificate"]


@pytest.mark.parametrize(
    "changed",
    [
        {"version": ""},
        {"version": "1.33.1"},
        {"version": "latest"},
        {"wanted": with_(WANTED, capture_dns=False), "host": with_(HOST, resolved=HOST["resolved"][:1])},
        {"wanted": with_(WANTED, auto_register=False), "entries": [{**ENTRY, "connected": False, "group": ""}]},
        {"entries": [{**ENTRY, "group": "other", "connected": False}, ENTRY]},
        {"entries": [{**ENTRY, "healthy": None}]},
        {"answer": ALL_PORTS, "host": with_(HOST, capture__ipv4__inbound=[0], capture__ipv4__excluded=[22])},
        {"host": with_(HOST, reach=[*UNREACHED, *HOST["reach"]])},
        {
            "host": with_(HOST, addresses=["fd00::a"], capture={"ipv4": NOTHING, "ipv6": CAPTURE}),
            "entries": [{**ENTRY, "address": "fd00::a"}],
        },
        {"wanted": with_(WANTED, external_address="192.0.2.1"), "entries": [{**ENTRY, "address": "192.0.2.1"}]},
    ],
)
def test_what_is_well_all_the_same(changed):
    assert broken(**changed) == []


def test_of_several_the_first_is_why():
    stopped = with_(HOST, agent__running=False, capture__ipv4=NOTHING, resolved=HOST["resolved"][:1])
    found = hops.verdict(walked(host=stopped, entries=()), 'vm"1')
    assert found["broken"].startswith("broken: agent: ")
    assert not found["healthy"]
    assert 'meshops_host_hop{host="vm\\"1",hop="agent"} 0\n' in found["metrics"]
    assert 'meshops_host_hop{host="vm\\"1",hop="dns"} 1\n' in found["metrics"]


ERROR = {"where": "vm9: WorkloadGroup shop/ratings", "msg": "is not there", "hint": "declare it"}


def judged(answer=ANSWER, seen=None, revisions=()):
    return hops.verdict(hops.judged(HOST, WANTED, answer, seen or {"workloads": [ENTRY]}, revisions, NOW), "vm1")


def test_a_cluster_that_does_not_answer():
    named = "broken: declaration: group ratings: WorkloadGroup shop/ratings: is not there: declare it"
    assert judged(answer={"error": ERROR})["broken"] == named
    failed = {"error": {"where": "vm9", "msg": "nobody answers", "hint": ""}}
    assert f"broken: xds: host {ADDRESS} cannot be looked up: nobody answers: " in judged(seen=failed)["broken"]


def test_the_control_plane_is_that_of_the_host():
    planes = [{"revision": "other", "version": "1.20.0"}, {"revision": "default", "version": "1.31.1"}]
    told = judged(revisions=planes)
    assert told["healthy"]
    assert told["lines"][-1] == "ok: version: agent 1.31.0 goes with the control plane, 1.31.1"
