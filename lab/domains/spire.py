# SPDX-License-Identifier: Apache-2.0
"""A domain's SPIRE: a server for its trust domain, and the agent of its machine, which comes with a join token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab import versions
from lab.commands import run, succeeds
from lab.domains.home import DomainHome
from lab.state import write_atomically
from lab.waiting import wait_for

SERVER, AGENT = "spire-server", "spire-agent"
_TOKEN_SECONDS = 600
#: In a network namespace that only the lab reaches.
_ANYWHERE = "0.0.0.0"


def server_configuration(home: DomainHome) -> dict[str, Any]:
    """The server's configuration file, as JSON: agents may come with a token, others may fetch its bundle."""
    return {
        "server": {
            "trust_domain": home.trust_domain,
            "bind_address": _ANYWHERE,
            "bind_port": versions.SPIRE_SERVER_PORT,
            "socket_path": str(home.server_socket),
            "data_dir": str(home.root / SERVER),
            "log_level": "INFO",
            "default_x509_svid_ttl": "1h",
            "ca_ttl": "24h",
            "federation": {
                "bundle_endpoint": {
                    "address": _ANYWHERE,
                    "port": versions.SPIRE_BUNDLE_PORT,
                    "profile": [{"https_spiffe": {}}],
                }
            },
        },
        "plugins": {
            "DataStore": _plugin(
                "sql", database_type="sqlite3", connection_string=str(home.root / SERVER / "datastore.sqlite3")
            ),
            "KeyManager": _plugin("disk", keys_path=str(home.root / SERVER / "keys.json")),
            "NodeAttestor": _plugin("join_token"),
        },
    }


def agent_configuration(home: DomainHome) -> dict[str, Any]:
    """The agent's configuration file, as JSON: programs are told apart by their paths."""
    return {
        "agent": {
            "trust_domain": home.trust_domain,
            "server_address": home.address,
            "server_port": versions.SPIRE_SERVER_PORT,
            "socket_path": str(home.agent_socket),
            "admin_socket_path": str(home.run / f"{AGENT}-admin" / "api.sock"),
            "data_dir": str(home.root / AGENT),
            "log_level": "INFO",
            "trust_bundle_path": str(_bundle(home)),
            "join_token_file": str(_token(home)),
            # What NSM signs its tokens with.
            "workload_x509_svid_key_type": "ec-p256",
            # A new entry is known to the program within a second, where five are usual.
            "experimental": {"sync_interval": "1s"},
        },
        "plugins": {
            "KeyManager": _plugin("memory"),
            "NodeAttestor": _plugin("join_token"),
            # No checksums of programs: each new connection would read tens of megabytes.
            "WorkloadAttestor": _plugin("unix", discover_workload_path=True, workload_size_limit=-1),
        },
    }


def _plugin(name: str, **data: object) -> list[dict[str, Any]]:
    return [{name: {"plugin_data": data}}]


def start_server(home: DomainHome, programs: dict[str, Path]) -> None:
    """Start the server and wait until it is healthy; its data outlive it."""
    for directory in (home.root / SERVER, home.server_socket.parent):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    process = home.process(SERVER)
    process.start(home.inside(programs[SERVER], "run", "-config", _write(home, SERVER, server_configuration(home))))
    wait_for(process.name, lambda: _is_healthy(programs[SERVER], home.server_socket), [process])


def start_agent(home: DomainHome, programs: dict[str, Path]) -> None:
    """Start the agent with a new token, unless it runs, and wait until it is healthy.

    A token serves once and an agent's keys end with it, so one that is started again is another to the server; entries
    do not mind, as their parent is the machine.
    """
    process = home.process(AGENT)
    if process.pid() is None:
        for directory in (home.root / AGENT, home.agent_socket.parent):
            directory.mkdir(parents=True, exist_ok=True)
        server, at = programs[SERVER], ["-socketPath", str(home.server_socket)]
        bundle = run([server, "bundle", "show", *at], what=f"the bundle of {home.trust_domain}")
        write_atomically(_bundle(home), bundle, 0o644)
        words = ["-spiffeID", home.machine, "-ttl", str(_TOKEN_SECONDS), "-output", "json"]
        token = run([server, "token", "generate", *at, *words], what=f"a join token for {home.name}")
        write_atomically(_token(home), json.loads(token)["value"], 0o600)
        process.start(home.inside(programs[AGENT], "run", "-config", _write(home, AGENT, agent_configuration(home))))
    try:
        wait_for(process.name, lambda: _is_healthy(programs[AGENT], home.agent_socket), [process])
    finally:
        _token(home).unlink(missing_ok=True)


def _is_healthy(program: Path, socket: Path) -> bool:
    return socket.exists() and succeeds([program, "healthcheck", "-socketPath", socket])


def _write(home: DomainHome, name: str, content: dict[str, Any]) -> Path:
    path = home.config / f"{name}.json"
    write_atomically(path, json.dumps(content, indent=2) + "\n", 0o644)
    return path


def _bundle(home: DomainHome) -> Path:
    return home.config / "bundle.pem"


def _token(home: DomainHome) -> Path:
    return home.run / "join-token"
