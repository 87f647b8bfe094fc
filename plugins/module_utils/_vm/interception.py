# SPDX-License-Identifier: Apache-2.0
"""Netfilter as the host has it: Istio's chains, connection tracking, and whether rules of the needed kinds can be had.

Only `iptables-*-save` looks: it lists tables that are there, where `iptables -S` would make them.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, NamedTuple

from .running import program, run, text_of

PROGRAMS = ("iptables-legacy", "iptables-nft", "iptables", "ip6tables-legacy", "ip6tables-nft", "ip6tables")
#: Programs that show rules of one kind and family each; the plain names are links to one of them.
_KINDS = ("iptables-legacy", "iptables-nft", "ip6tables-legacy", "ip6tables-nft")
#: Kind of addresses -> programs that show its rules.
_FAMILIES = {"ipv4": _KINDS[:2], "ipv6": _KINDS[2:]}
#: The comment of our rules, as the guard (role vm_workload) writes it.
_MARK = "meshops.mesh"
_CHAIN = re.compile(r"^:(ISTIO_\w+)", re.MULTILINE)
#: What makes the kernel track connections: matches of its state, and every translation of addresses.
_TRACKING = re.compile(
    r"^-A .*(-m (conntrack|state|connmark)|-j (REDIRECT|MASQUERADE|DNAT|SNAT|CT|CONNMARK))\b", re.MULTILINE
)
#: One rule of each kind that the agent writes, and ours.
_NEEDED = """*nat
-A OUTPUT -p tcp -m owner --uid-owner 0 -j REDIRECT --to-ports 15001
COMMIT
*mangle
-A PREROUTING -m conntrack --ctstate INVALID
COMMIT
"""


def chains(saved: str) -> list[str]:
    """Istio's chains in what a program of `iptables-*-save` shows."""
    return sorted(set(_CHAIN.findall(saved)))


def tracks(saved: str) -> bool:
    """Whether a rule in it needs connection tracking."""
    return bool(_TRACKING.search(saved))


class Rule(NamedTuple):
    """A rule as `iptables-save` shows it."""

    table: str
    chain: str
    text: str

    def port(self, option: str) -> int:
        """The port that it names by ``--dport`` and such; 0 where it names none."""
        found = re.search(option + r" (\d+)\b", self.text)
        return int(found.group(1)) if found else 0

    @property
    def target(self) -> str:
        found = re.search(r"-j (\S+)", self.text)
        return found.group(1) if found else ""

    @property
    def ours(self) -> bool:
        return bool(re.search(r'--comment "?' + re.escape(_MARK) + r'"?( |$)', self.text))


def rules(saved: str) -> Iterator[Rule]:
    """Those in what programs of `iptables-*-save` show."""
    table = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith("-A "):
            yield Rule(table, line.split(None, 2)[1], line)


def capture(saved: str) -> dict[str, Any]:
    """One item of ``capture`` as the module vm_host documents it."""
    found = list(rules(saved))
    nat = [rule for rule in found if rule.table == "nat"]
    hooks = {rule.target for rule in nat if rule.chain in ("PREROUTING", "OUTPUT")}
    led = [rule for rule in nat if rule.chain == "ISTIO_INBOUND"]
    spoken = [rule for rule in nat if rule.chain == "OUTPUT" and rule.ours and rule.target == "ACCEPT"]
    redirected = {rule.port("--to-ports") for rule in nat if rule.chain.startswith("ISTIO_")}
    return {
        "hooks": sorted(hooks & {"ISTIO_INBOUND", "ISTIO_OUTPUT"}),
        "redirects": sorted(redirected - {0}),
        "inbound": sorted({rule.port("--dport") for rule in led if rule.target == "ISTIO_IN_REDIRECT"}),
        "excluded": sorted({rule.port("--dport") for rule in led if rule.target == "RETURN"} - {0}),
        "guard": any(rule.table == "mangle" and rule.ours for rule in found),
        "spoken": sorted({rule.port("--sport") for rule in spoken} - {0}),
    }


def usable() -> tuple[bool | None, str]:
    """Whether the kernel takes rules as the agent writes them, tried in a network namespace of its own; None where that
    cannot be tried. With the reason."""
    names = [name for name in ("iptables-legacy-restore", "iptables-nft-restore", "iptables-restore") if program(name)]
    if not names:
        return None, "iptables is not installed"
    if run(["unshare", "--net", "true"]).code != 0:
        return None, "no network namespace can be made to try it in"
    tried = [(name, run(["unshare", "--net", name], given=_NEEDED)) for name in names]
    if any(ran.code == 0 for _name, ran in tried):
        return True, ""
    return False, "; ".join(f"{name}: {ran.err.splitlines()[0] if ran.err else ran.code}" for name, ran in tried)


def look() -> dict[str, Any]:
    """``iptables``, ``interception``, ``capture`` and ``conntrack`` as the module vm_host documents them."""
    saved = {kind: run([kind + "-save"]).out for kind in _KINDS if program(kind + "-save")}
    native = run(["nft", "list", "ruleset"]).out
    rule = any(map(tracks, saved.values())) or bool(re.search(r"\bct state\b", native))
    count = text_of("/proc/sys/net/netfilter/nf_conntrack_count").strip()
    tracked = int(count) if count.isdigit() else 0
    works, reason = usable()
    found = {kind: chains(text) for kind, text in saved.items()}
    return {
        "iptables": {"programs": [name for name in PROGRAMS if program(name)], "usable": works, "reason": reason},
        "interception": {kind: names for kind, names in found.items() if names},
        "capture": {
            family: capture("\n".join(saved.get(kind, "") for kind in kinds)) for family, kinds in _FAMILIES.items()
        },
        "conntrack": {"rule": rule, "tracked": tracked, "in_force": rule or tracked > 0},
    }
