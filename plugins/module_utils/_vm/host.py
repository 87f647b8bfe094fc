# SPDX-License-Identifier: Apache-2.0
"""All that the module vm_host tells of a host."""

from __future__ import annotations

import json
import pwd
import time
from typing import Any, Mapping

from . import addresses, agent, interception, naming, paths, sockets, system, tokens
from .bypass import as_agent
from .calls import call
from .reach import reach
from .resolving import resolve
from .running import program, text_of

CERTIFICATE = "/etc/certs/cert-chain.pem"
ROOT = "/etc/certs/root-cert.pem"
#: What the role notes of the host as it was before it came.
RECORD = "/var/lib/meshops/vm_workload.json"
INSTALLED = "/var/lib/meshops/installed"
#: File systems on which a join needs room.
_ROOM = ("/usr/local/bin", "/var/lib/istio", "/var/log/istio", "/etc")
#: A resolver asks the next name server when one has kept silent for as long as a connection may take.
_ASKED_TWICE = 2


def look(options: Mapping[str, Any]) -> dict[str, Any]:
    """The module's result, of its options."""
    timeout = float(options["timeout"])
    agent.await_ready(options["ready_timeout"])
    name = options["istiod_name"] or ""
    return {
        **system.look(),
        **sockets.look(),
        **interception.look(),
        "addresses": addresses.look(),
        "disk": [{"path": path, "free": system.free_bytes(path)} for path in _ROOM],
        "account": system.account("istio-proxy"),
        "agent": agent.look(),
        "certificate": text_of(CERTIFICATE),
        "root_certificate_sha256": agent.digest_of(ROOT),
        "token": tokens.look(),
        "paths": [paths.look(path) for path in options["paths"]],
        "named": [item.address for item in naming.others(text_of("/etc/hosts"), name)] if name else [],
        "block": [item._asdict() for item in naming.ours(text_of("/etc/hosts"))],
        "record": record(text_of(RECORD)),
        "installed": text_of(INSTALLED).strip(),
        "sudo": program("sudo") is not None,
        "reach": reached(options, name, timeout),
        "resolved": [resolve(item, timeout * _ASKED_TWICE) for item in options["names"]],
        "calls": [call(target, timeout) for target in options["calls"]],
        "clock": time.time(),
    }


def objection(number: int) -> str:
    """Why the user of that number cannot look: rules and certificates that others do not see would seem away."""
    if number == 0:
        return ""
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = f"user {number}"
    remedy = "run with become: ansible_become, and no other ansible_become_user than root"
    return f"only root sees what must be looked at, and this is {name} ({remedy})"


def reached(options: Mapping[str, Any], name: str, timeout: float) -> list[dict[str, Any]]:
    """How istiod answers, on the way that the agent takes."""
    root = options["root_certificate"] or ""
    with as_agent():
        return [reach(item, options["istiod_port"], name, root, timeout) for item in options["istiod_addresses"]]


def record(text: str) -> dict[str, Any]:
    """The record's content; empty where there is none that can be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
