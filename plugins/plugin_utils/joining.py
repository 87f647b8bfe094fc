# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role vm_workload asks of the API for a host, and why a host cannot join. Pure; the shapes of what is looked
at are those of the module vm_host (``host``) and of the role's variables without their prefix (``wanted``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Facts = Mapping[str, Any]

#: Seconds that clocks may differ: certificates are valid from the moment they are issued.
SKEW = 60
#: Families of systems -> how their packages end.
_PACKAGES = {"debian": ".deb", "redhat": ".rpm"}
_ARCHITECTURES = ("amd64", "arm64")
_MEGABYTE = 1 << 20
#: By file system the megabytes that a join needs: programs with their package, or files alone.
_INSTALLING = {"/usr/local/bin": 300, "/var/lib/istio": 100}
_CONFIGURING = {"/var/lib/istio": 10, "/var/log/istio": 10, "/etc": 1}
_AGENTS = ("pilot-agent", "envoy")
_AGENTS_USER = "istio-proxy"
#: Directories that somebody else may have, and that become the agent's.
_TAKEN = ("/etc/certs", "/var/log/istio")
_SOURCES = ("url", "path", "repository", "files")


class Finding(NamedTuple):
    """One line for people: what, where, what to do."""

    where: str
    what: str
    remedy: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({self.remedy})"


def request(wanted: Facts, host: Facts, name: str) -> dict[str, Any]:
    """The options of one host for vm_bootstrap."""
    ports = {*map(int, wanted["exclude_inbound_ports"]), *host["ssh_ports"], *wanted["ssh_ports"]}
    options = {
        "group": wanted["group"],
        "namespace": wanted["namespace"],
        "revision": wanted["revision"],
        "external_address": wanted["external_address"],
        "internal_address": "" if wanted["external_address"] else address(wanted, host),
        "gateway_address": wanted["gateway_address"],
        "gateway": wanted["gateway"],
        "capture_dns": wanted["capture_dns"],
        "auto_register": wanted["auto_register"],
        "exclude_inbound_ports": sorted(ports),
        "environment": wanted["environment"],
        "certificate": host["certificate"],
        "token_seconds": wanted["token_seconds"],
    }
    return {"host": name, **{key: value for key, value in options.items() if value not in ("", None)}}


def address(wanted: Facts, host: Facts) -> str:
    """By which address the mesh reaches the host."""
    given = wanted["external_address"] or wanted["address"]
    return str(given or next(iter(host["addresses"]), ""))


def installs(wanted: Facts, host: Facts) -> bool:
    """Whether the agent is to be installed, for the first time or anew."""
    agent, version = host["agent"], str(wanted["version"])
    if not agent["version"]:
        return True
    if host["installed"] and identity(wanted):
        return bool(host["installed"] != identity(wanted))
    return bool(version) and not _is(version, agent)


def _is(version: str, agent: Facts) -> bool:
    """Whether an agent is of a version; a package's may have a release after it (``1.31.0-1``)."""
    found = str(agent["package_version"] or agent["version"])
    return found == version or found.startswith(f"{version}-")


def identity(wanted: Facts) -> str:
    """What tells one package from another without looking into it; empty where nothing does."""
    package = wanted["package"]
    return str(package.get("checksum") or "")


def findings(wanted: Facts, host: Facts) -> list[Finding]:
    """What stands against joining, before anything is asked of the API."""
    return [finding for check in _CHECKS for finding in check(wanted, host)]


def later_findings(wanted: Facts, host: Facts, answer: Facts) -> list[Finding]:
    """What stands against it once it is known where istiod is (``answer`` of vm_bootstrap for the host)."""
    return [*_istiod(host), *_named(host, answer)]


def shared_addresses(requests: Mapping[str, str]) -> list[str]:
    """By host its address; lines for addresses that more than one has."""
    by_address: dict[str, list[str]] = {}
    for name, given in requests.items():
        by_address.setdefault(given, []).append(name)
    return [
        str(Finding(", ".join(sorted(names)), f"all have the address {given}", "set vm_workload_address of each"))
        for given, names in by_address.items()
        if len(names) > 1
    ]


def _system(wanted: Facts, host: Facts) -> Iterator[Finding]:
    found = host["os"]
    if found["family"] not in _PACKAGES and "files" not in wanted["package"] and installs(wanted, host):
        remedy = "give vm_workload_package.files, programs without a package"
        yield Finding(
            "system", f"packages are known for Debian's and Red Hat's families, not for {found['id']}", remedy
        )
    if host["architecture"] not in _ARCHITECTURES:
        yield Finding("architecture", f"Envoy does not run on {host['architecture']}", "use amd64 or arm64")


def _package(wanted: Facts, host: Facts) -> Iterator[Finding]:
    if not installs(wanted, host):
        return
    given = [key for key in _SOURCES if wanted["package"].get(key)]
    if len(given) != 1:
        said = f"has {' and '.join(given)}" if given else "says nowhere to take the agent from"
        yield Finding("vm_workload_package", said, f"give one of {', '.join(_SOURCES)}")
    elif given[0] in ("url", "files") and not wanted["package"].get("checksum"):
        yield Finding("vm_workload_package", f"{given[0]} without checksum", "give checksum, such as sha256:<digits>")
    elif given == ["path"] and not wanted["package"].get("checksum"):
        # The role reads it off the file, where there is one.
        said = f"{wanted['package']['path']} is no file that can be read on the controller"
        yield Finding("vm_workload_package", said, "give the path of a deb or rpm there")
    source = str(wanted["package"].get("url") or wanted["package"].get("path") or "")
    ending = _PACKAGES.get(host["os"]["family"], "")
    if ending and source.endswith(tuple(end for end in _PACKAGES.values() if end != ending)):
        yield Finding(
            "vm_workload_package", f"{source.rpartition('/')[2]} is none for {host['os']['id']}", f"give a {ending}"
        )


def _version(wanted: Facts, host: Facts) -> Iterator[Finding]:
    version, agent = str(wanted["version"]), host["agent"]
    if version and not installs(wanted, host) and not _is(version, agent):
        said = f"{version} is declared, and vm_workload_package is {agent['package_version'] or agent['version']}"
        yield Finding("vm_workload_version", said, "declare the package of that version, or leave the version out")


def _directories(wanted: Facts, host: Facts) -> Iterator[Finding]:
    if host["record"]:
        return
    for found in host["paths"]:
        if found["path"] in _TAKEN and found["kind"] == "directory" and found["owner"] != _AGENTS_USER:
            said = f"is there already, and {found['owner']}'s; {_AGENTS_USER} owns it until the host leaves"
            yield Finding(found["path"], said, "move what others must not touch elsewhere", fatal=False)


def _service_manager(wanted: Facts, host: Facts) -> Iterator[Finding]:
    if wanted["service_manager"] == "systemd" != host["service_manager"]:
        remedy = "set vm_workload_service_manager to none, and vm_workload_start to what starts the agent"
        yield Finding("service manager", "systemd does not run here", remedy)


def _clock(wanted: Facts, host: Facts) -> Iterator[Finding]:
    seconds = host.get("clock_skew", 0)
    if abs(seconds) > SKEW:
        said = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the controller's"
        yield Finding(
            "clock", f"{said}, and certificates tell by it whether they are valid", "set it, by chrony or such"
        )


def _ports(wanted: Facts, host: Facts) -> Iterator[Finding]:
    for taken in host["listening"]:
        if taken["process"] not in _AGENTS:
            who = f"{taken['process'] or 'somebody'} (pid {taken['pid']})"
            yield Finding(f"port {taken['port']}", f"taken by {who}, and the agent needs it", "let it listen elsewhere")


def _disk(wanted: Facts, host: Facts) -> Iterator[Finding]:
    needed = {**_CONFIGURING, **(_INSTALLING if installs(wanted, host) else {})}
    for place in host["disk"]:
        free, least = place["free"] // _MEGABYTE, needed.get(place["path"], 0)
        if free < least:
            yield Finding(place["path"], f"{free} MB are free, {least} are needed", "free some space")


def _kernel(wanted: Facts, host: Facts) -> Iterator[Finding]:
    tables = host["iptables"]
    if tables["usable"] is False:
        remedy = "load ip_tables, nf_conntrack, xt_owner and xt_REDIRECT, or take a kernel that has them"
        yield Finding("iptables", f"the kernel does not take the agent's rules: {tables['reason']}", remedy)
    # A package brings its dependencies along.
    if "files" in wanted["package"] or not installs(wanted, host):
        if not tables["programs"]:
            yield Finding("iptables", "not installed, and the agent intercepts traffic by it", "install iptables")
        if not host["sudo"]:
            yield Finding("sudo", "not installed, and the agent's start script uses it", "install sudo")


def _other_meshes(wanted: Facts, host: Facts) -> Iterator[Finding]:
    for name in host["agent"]["others"]:
        yield Finding(name, "another mesh's agent intercepts traffic here", "let the host leave that mesh first")


def _address(wanted: Facts, host: Facts) -> Iterator[Finding]:
    given = str(wanted["address"])
    if given and not wanted["external_address"] and given not in host["addresses"]:
        has = ", ".join(host["addresses"]) or "none"
        remedy = "give one of those, or vm_workload_external_address for a host behind NAT"
        yield Finding("vm_workload_address", f"{given} is no address of this host, which has {has}", remedy)
    if not address(wanted, host):
        yield Finding("vm_workload_address", "the host has no address but for loopback", "give it one")


def _names(wanted: Facts, host: Facts) -> Iterator[Finding]:
    if wanted["capture_dns"] and host["systemd_resolved"]["nss"]:
        said = "programs ask systemd-resolved past DNS, so names that only the mesh has are not found"
        remedy = "take resolve out of the line hosts: in /etc/nsswitch.conf, or set vm_workload_capture_dns to false"
        yield Finding("/etc/nsswitch.conf", said, remedy, fatal=False)


def _istiod(host: Facts) -> Iterator[Finding]:
    failed = [tried for tried in host["reach"] if not tried["ok"]]
    for tried in failed:
        remedy = "open the way from the host to it, or set vm_workload_gateway_address to where istiod is exposed"
        where = f"istiod at {tried['address']} port {tried['port']}"
        yield Finding(where, tried["reason"], remedy, fatal=len(failed) == len(host["reach"]))


def _named(host: Facts, answer: Facts) -> Iterator[Finding]:
    wrong = [given for given in host["named"] if given not in answer["istiod"]["addresses"]]
    if wrong:
        said = f"a line that is not ours gives {answer['istiod']['name']} the address {wrong[0]}"
        yield Finding("/etc/hosts", said, "remove that line")


#: In the order in which somebody would look.
_CHECKS = (
    *(_system, _service_manager, _package, _version, _kernel, _clock, _disk),
    *(_ports, _other_meshes, _address, _names, _directories),
)
