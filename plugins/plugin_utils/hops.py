# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is in the mesh, hop by hop: from its clock and istiod's name to the version of its agent. Pure; the
shapes are those of the module vm_host (``host``), of the role's variables without their prefix (``wanted``), of
vm_bootstrap (``answer``) and of workload_info (``entries``)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..module_utils.mesh.kube.certificates import certificates_in, objection
from ..module_utils.mesh.operations.support import PROXY_SKEW
from .joining import SKEW, address

Facts = Mapping[str, Any]

#: Where the proxy takes what leaves the host and what comes in, and where the agent takes DNS (istio.io, "Application
#: requirements").
_OUTBOUND, _INBOUND, _DNS = 15001, 15006, 15053
_HOOKS = ("ISTIO_INBOUND", "ISTIO_OUTPUT")
#: Stands for all ports in what vm_host tells of rules.
_ALL = 0
_AGAIN = "run join_vm"
_LOG = "/var/log/istio/istio.log"


class Evidence(NamedTuple):
    """One hop: what was looked at and, where it is broken, what to do."""

    hop: str
    about: str
    passed: bool
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        broken = "" if self.passed else f": {self.remedy}"
        return f"{'ok' if self.passed else 'broken'}: {self.hop}: {self.about} {self.text}{broken}"


class Seen(NamedTuple):
    """All that is known of a host."""

    host: Facts
    wanted: Facts
    answer: Facts
    #: Those of the host's namespace; what went wrong, where they cannot be had.
    entries: Sequence[Facts] | str
    #: Of the control plane; empty where that is not known.
    version: str
    now: datetime.datetime

    @property
    def address(self) -> str:
        """By which the mesh knows the host."""
        return address(self.wanted, self.host)

    @property
    def entry(self) -> Facts | None:
        """The host as the control plane sees it: in its own group, if it is in several."""
        if isinstance(self.entries, str):
            return None
        found = [item for item in self.entries if item["address"] == self.address]
        return next((item for item in found if item["group"] == self.wanted["group"]), next(iter(found), None))

    @property
    def objection(self) -> str:
        """Why the certificate is not good."""
        return objection(
            self.host["certificate"], self.answer["identity"], self.answer["files"]["root-cert.pem"], self.now
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """Of cluster.env as declared."""
        lines = (line.partition("=") for line in self.answer["files"]["cluster.env"].splitlines())
        return {name: value.strip("'") for name, _equals, value in lines}

    @property
    def capture(self) -> Facts:
        """What rules do with addresses of the host's kind."""
        return dict(self.host["capture"]["ipv6" if ":" in self.address else "ipv4"])

    @property
    def ssh_ports(self) -> list[int]:
        """By which SSH comes in."""
        return sorted({*self.host["ssh_ports"], *self.wanted["ssh_ports"]})


class Outcome(NamedTuple):
    """What a hop's function finds; no remedy where it is well."""

    about: str
    text: str
    remedy: str = ""


def judged(
    host: Facts, wanted: Facts, answer: Facts, seen: Facts, revisions: Sequence[Facts], now: datetime.datetime
) -> list[Evidence]:
    """The hops, of results of tasks; those on clusters may have failed."""
    if "istiod" not in answer:
        return unasked(str(wanted["group"]), answer)
    entries = list(seen["workloads"]) if "workloads" in seen else reason(seen)
    version = next((str(item["version"]) for item in revisions if item["revision"] == answer["revision"]), "")
    return hops(Seen(host, wanted, answer, entries, version, now))


def hops(seen: Seen) -> list[Evidence]:
    """All hops, in the order in which a host joins: of several that are broken, the first is why."""
    return [
        Evidence(name, found.about, not found.remedy, found.text, found.remedy)
        for name, hop in HOPS.items()
        for found in [hop(seen)]
    ]


def unasked(group: str, failed: Facts) -> list[Evidence]:
    """Instead of all hops, where the cluster does not tell what its hosts need: ``failed`` is the task's result."""
    error = failed.get("error") or {}
    remedy = str(error.get("hint") or "declare what is missing, or let the API server answer")
    return [Evidence("declaration", f"group {group}:", False, reason(failed), remedy)]


def reason(failed: Facts) -> str:
    """Why a task failed that ran once for all hosts; who was the first of them, its error says for no reason."""
    error = failed.get("error") or {"msg": failed.get("msg") or "the API was not asked"}
    _first, _colon, where = str(error.get("where") or "").partition(": ")
    return f"{where}: {error['msg']}" if where else str(error["msg"])


def verdict(evidence: Sequence[Evidence], name: str) -> dict[str, Any]:
    """``{healthy, broken, evidence, lines, metrics}`` of a host."""
    broken = next((str(item) for item in evidence if not item.passed), "")
    return {
        "healthy": not broken,
        "broken": broken,
        "evidence": [item._asdict() for item in evidence],
        "lines": [str(item) for item in evidence],
        "metrics": "".join(_metrics(evidence, name)),
    }


def _metrics(evidence: Sequence[Evidence], name: str) -> Iterator[str]:
    """In Prometheus' text format."""
    yield "# HELP meshops_host_hop Whether a hop between a host outside Kubernetes and the mesh works.\n"
    yield "# TYPE meshops_host_hop gauge\n"
    host = re.sub(r'(["\\])', r"\\\1", name)
    for item in evidence:
        yield f'meshops_host_hop{{host="{host}",hop="{item.hop}"}} {int(item.passed)}\n'


# -- the hops -------------------------------------------------------------------------------------------------------


def _clock(seen: Seen) -> Outcome:
    seconds = float(seen.host.get("clock_skew", 0))
    text = f"is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the controller's"
    if abs(seconds) > SKEW:
        return Outcome("the clock", text, "set it, by chrony or such; certificates are judged by it")
    return Outcome("the clock", text if seconds else "is the controller's")


def _dns(seen: Seen) -> Outcome:
    istiod = seen.answer["istiod"]
    name, right = istiod["name"], istiod["addresses"]
    found = _resolved(seen, name)
    wrong = [item for item in found["addresses"] if item not in right]
    if not found["addresses"]:
        return Outcome(name, f"is not resolved: {found['reason']}", f"{_AGAIN}, which writes it into /etc/hosts")
    if wrong:
        text = f"is {', '.join(wrong)} here, and the gateway {' or '.join(right)}"
        return Outcome(name, text, f"{_AGAIN}; remove lines of others for that name from /etc/hosts")
    return Outcome(name, f"is {', '.join(found['addresses'])}")


def _istiod(seen: Seen) -> Outcome:
    tried = seen.host["reach"]
    about = " and ".join(f"{item['address']}:{item['port']}" for item in tried) or "istiod"
    failed = [item for item in tried if not item["ok"]]
    if len(failed) == len(tried):
        reasons = dict.fromkeys(str(item["reason"]) for item in failed)
        text = "does not answer as istiod: " + ("; ".join(reasons) or "the gateway has no address")
        return Outcome(about, text, "open the way from the host to it, or set vm_workload_gateway_address")
    return Outcome(about, f"answers as {seen.answer['istiod']['name']}, by the mesh's root")


def _certificate(seen: Seen) -> Outcome:
    about, wrong = "/etc/certs/cert-chain.pem", seen.objection
    if wrong:
        return Outcome(about, f"is not good: {wrong}", f"{_AGAIN}, which issues a token for a new one")
    ends = next((end for _name, end in certificates_in(str(seen.host["certificate"]).encode())), None)
    return Outcome(about, f"is of {seen.answer['identity']}" + (f", good until {_time(ends)}" if ends else ""))


def _token(seen: Seen) -> Outcome:
    token, about = seen.host["token"], "/var/run/secrets/tokens/istio-token"
    if not seen.objection:
        return Outcome(about, "is not needed, as the certificate is good")
    if not token["exists"]:
        return Outcome(about, "is not there, and the agent needs it", _AGAIN)
    if not token["expires"]:
        return Outcome(about, "is no token", _AGAIN)
    end = datetime.datetime.fromtimestamp(token["expires"], datetime.UTC)
    if end <= seen.now:
        return Outcome(about, f"expired at {_time(end)}, and the agent needs it", _AGAIN)
    return Outcome(about, f"is good until {_time(end)}")


def _agent(seen: Seen) -> Outcome:
    agent = seen.host["agent"]
    if not agent["version"]:
        return Outcome("istio.service", "is not there: no agent is installed", _AGAIN)
    if not agent["running"]:
        return Outcome(
            "istio.service", f"does not run{_stated(agent)}", f"systemctl start istio, or {_AGAIN}; see {_LOG}"
        )
    if not agent["ready"]:
        text = "; ".join([f"is not ready: {agent['reason']}", *agent["complaints"]])
        return Outcome("istio.service", text, f"see {_LOG}, then {_AGAIN}")
    return Outcome("istio.service", "runs, and its proxy has its configuration")


def _stated(agent: Facts) -> str:
    state = agent["unit"]["state"]
    return f": {state}" if state else ""


def _xds(seen: Seen) -> Outcome:
    about, entry = f"host {seen.address}", seen.entry
    if not seen.wanted["auto_register"]:
        return Outcome(about, "does not register itself, so istiod does not tell whether it is connected")
    if isinstance(seen.entries, str):
        return Outcome(about, f"cannot be looked up: {seen.entries}", "let the API server answer")
    if entry is None:
        text = f"has no WorkloadEntry in namespace {seen.wanted['namespace']}: its agent never reached istiod"
        return Outcome(about, text, f"see {_LOG} and istiod's log")
    if not entry["connected"]:
        return Outcome(
            about, f"is not connected since {entry['since']}, as istiod sees it", f"see {_LOG} and istiod's log"
        )
    return Outcome(about, f"is connected since {entry['since']}, as istiod sees it")


def _entry(seen: Seen) -> Outcome:
    wanted, entry = seen.wanted, seen.entry
    if entry is None:
        return Outcome(f"host {seen.address}", "has no WorkloadEntry", f"{_AGAIN}, or declare it by workload_group")
    about = f"WorkloadEntry {entry['namespace']}/{entry['name']}"
    if wanted["auto_register"] and entry["group"] != wanted["group"]:
        text = f"is of group {entry['group'] or 'none'}, not {wanted['group']}"
        return Outcome(about, text, f"{_AGAIN}; delete the entry if no agent holds it")
    if entry["network"] != seen.answer["network"]:
        text = f"is in network {entry['network'] or 'of the cluster'}, not {seen.answer['network'] or 'of the cluster'}"
        return Outcome(about, text, f"{_AGAIN}, which has the agent connect anew")
    if entry["healthy"] is False:
        text = f"is unhealthy: {entry['message'] or 'its probe gives no reason'}"
        return Outcome(about, text, "look at the workload that the group's probe asks")
    health = "its probe succeeds" if entry["healthy"] else "no probe has said anything"
    return Outcome(about, f"has {seen.address}; {health}")


def _interception(seen: Seen) -> Outcome:
    capture = seen.capture
    missing = [f"chain {name}" for name in _HOOKS if name not in capture["hooks"]]
    ports = {_OUTBOUND, _INBOUND, *([_DNS] if seen.wanted["capture_dns"] else [])}
    missing += [f"redirection to {port}" for port in sorted(ports - {*capture["redirects"]})]
    if missing:
        return Outcome("iptables", f"lacks {', '.join(missing)}", "systemctl restart istio, which sets the rules anew")
    declared = _declared_ports(seen)
    if declared - {*capture["inbound"]} and _ALL not in capture["inbound"]:
        text = f"does not capture {_listed(declared - {*capture['inbound']})}, as the group wants"
        return Outcome("iptables", text, f"{_AGAIN}, which restarts the agent")
    return Outcome("iptables", f"leads traffic to the proxy; coming in: {_listed({*capture['inbound']})}")


def _declared_ports(seen: Seen) -> set[int]:
    said = seen.variables.get("ISTIO_INBOUND_PORTS", "*")
    return {_ALL} if said == "*" else {int(port) for port in said.split(",") if port.strip().isdigit()}


def _listed(ports: set[int]) -> str:
    named = ", ".join(f"port {port}" for port in sorted(ports - {_ALL}))
    return named if _ALL not in ports else "all ports"


def _ssh(seen: Seen) -> Outcome:
    capture, ports = seen.capture, {*seen.ssh_ports, *map(int, seen.wanted["exclude_inbound_ports"])}
    caught = {
        port
        for port in ports
        if port not in capture["excluded"] and (port in capture["inbound"] or _ALL in capture["inbound"])
    }
    if caught:
        text = f"captures {_listed(caught)}, which must stay outside the mesh"
        return Outcome("iptables", text, f"{_AGAIN}, which excludes them")
    return Outcome("iptables", f"leaves {_listed(ports)} alone")


def _guard(seen: Seen) -> Outcome:
    capture = seen.capture
    if not capture["guard"]:
        text = "has no rule of meshops.mesh by which connections are tracked: the next start breaks open ones"
        return Outcome("iptables", text, _AGAIN + _RESTART)
    silent = {*seen.ssh_ports} - {*capture["spoken"]}
    if silent:
        return Outcome("iptables", f"may redirect what SSH says from {_listed(silent)}", _AGAIN + _RESTART)
    return Outcome("iptables", "has the rules that keep open connections")


#: What runs the guard before the agent.
_RESTART = ", or systemctl restart istio where the role set it up"


def _names(seen: Seen) -> Outcome:
    name = mesh_name(seen.answer)
    if not seen.wanted["capture_dns"]:
        return Outcome(name, "is none of the host's names: vm_workload_capture_dns is false")
    found = _resolved(seen, name)
    if not found["addresses"]:
        text = f"is not resolved, though the agent answers DNS: {found['reason']}"
        return Outcome(name, text, "see /etc/nsswitch.conf (resolve before dns), and what Sidecars let the host see")
    return Outcome(name, f"is {', '.join(found['addresses'])}")


def _version(seen: Seen) -> Outcome:
    has, plane = str(seen.host["agent"]["version"]), seen.version
    if not has:
        return Outcome("agent", "is not there to be compared")
    about = f"agent {has}"
    theirs, ours = _minor(plane), _minor(has)
    if not theirs or not ours:
        return Outcome(about, "cannot be compared: the control plane's version is not known")
    if ours > theirs:
        return Outcome(about, f"is newer than the control plane, {plane}", "upgrade the control plane first")
    if ours[0] < theirs[0] or theirs[1] - ours[1] > PROXY_SKEW:
        text = f"is more than {PROXY_SKEW} minor versions older than the control plane, {plane}"
        return Outcome(about, text, f"set vm_workload_version and vm_workload_package, and {_AGAIN}")
    return Outcome(about, f"goes with the control plane, {plane}")


def _minor(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+)\.(\d+)\.", version)
    return tuple(map(int, found.groups())) if found else ()


def mesh_name(answer: Facts) -> str:
    """A name that only the mesh has: istiod's Service, otherwise than as /etc/hosts has it."""
    return str(answer["istiod"]["name"]).removesuffix(".svc")


def _resolved(seen: Seen, name: str) -> Facts:
    lacking = {"addresses": [], "reason": "it was not asked for"}
    return next((item for item in seen.host["resolved"] if item["name"] == name), lacking)


def _time(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


#: In the order of cause and effect: what comes later needs what comes before.
HOPS: Mapping[str, Callable[[Seen], Outcome]] = {
    "clock": _clock,
    "dns": _dns,
    "istiod": _istiod,
    "certificate": _certificate,
    "token": _token,
    "agent": _agent,
    "xds": _xds,
    "entry": _entry,
    "interception": _interception,
    "ssh": _ssh,
    "guard": _guard,
    "names": _names,
    "version": _version,
}
