# SPDX-License-Identifier: Apache-2.0
"""A host outside of all clusters has an identity by an agent of its own, and an endpoint that another domain finds."""

from __future__ import annotations

import json

import pytest

from lab import machine, paths, state, versions
from lab.commands import run
from lab.domains import controlplane
from lab.hosts import control
from lab.hosts.home import HostHome
from tests.nsm.conftest import UP, run_lab
from tests.nsm.waiting import eventually

HOST = "vm1"
SERVICE, FAR_SERVICE = "desk", "desk@my.cluster1"
_AGENT = """
agent {{
  trust_domain = "{trust_domain}"
  server_address = "{address}"
  server_port = {port}
  trust_bundle_path = "/etc/spire/bundle.pem"
  join_token_file = "/etc/spire/token"
  data_dir = "/var/lib/spire"
  socket_path = "/run/spire/sockets/agent.sock"
  workload_x509_svid_key_type = "ec-p256"
}}
plugins {{
  NodeAttestor "join_token" {{ plugin_data {{}} }}
  KeyManager "disk" {{ plugin_data {{ directory = "/var/lib/spire" }} }}
  WorkloadAttestor "unix" {{ plugin_data {{ discover_workload_path = true }} }}
}}
"""
_UNIT = """
[Service]
ExecStart={command}
{environment}
Restart=always
RestartSec=1
"""


@pytest.fixture(scope="module")
def host(sites):
    """One host of the lab."""
    before = machine.names()
    run_lab(*UP, "--hosts", "1")
    yield state.load().host(HOST)
    if HOST not in before:
        run_lab("down", HOST)


def _on_host(*command):
    done = control.execute(HOST, *command)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def _place(path, text, mode="644"):
    script = 'umask 077 && mkdir -p "$(dirname "$1")" && cat >"$1" && chmod "$2" "$1"'
    run(HostHome(HOST).inside("sh", "-c", script, "sh", path, mode), what=f"writing {path}", stdin=text)


def _carry(host, *programs):
    """Programs of the lab to the host, as anybody would who has them on the controller."""
    options = ("-o", f"UserKnownHostsFile={host.known_hosts}", "-o", "BatchMode=yes", "-i", host.private_key)
    for program in programs:
        run(
            ["scp", *options, str((paths.BIN / program).resolve()), f"{host.user}@{host.address}:{program}"], what="scp"
        )
        _on_host("install", "-D", f"/home/{host.user}/{program}", f"/usr/local/bin/{program}")


@pytest.fixture(scope="module")
def agent(host, sites):
    """An agent on the host, which came with a token of the first domain; its SPIFFE ID there."""
    domain = sites[0].domain
    name = f"spiffe://{domain.trust_domain}/vm/{HOST}"
    _carry(host, "spire-agent", controlplane.ENDPOINT)
    token = json.loads(sites[0].spire("token", "generate", "-spiffeID", name, "-output", "json"))["value"]
    _place("/etc/spire/bundle.pem", sites[0].spire("bundle", "show"))
    _place("/etc/spire/token", token, "600")
    text = _AGENT.format(trust_domain=domain.trust_domain, address=domain.address, port=versions.SPIRE_SERVER_PORT)
    _place("/etc/spire/agent.conf", text)
    _on_host("mkdir", "-p", "/var/lib/spire", "/run/spire/sockets")
    command = "/usr/local/bin/spire-agent run -config /etc/spire/agent.conf"
    _place("/etc/systemd/system/spire-agent.service", _UNIT.format(command=command, environment=""))
    _on_host("systemctl", "start", "spire-agent")
    return name


def test_the_agent_of_a_host_is_healthy(agent, sites):
    check = ("/usr/local/bin/spire-agent", "healthcheck", "-socketPath", "/run/spire/sockets/agent.sock")
    assert eventually(lambda: control.execute(HOST, *check).returncode, 0) == 0
    agents = json.loads(sites[0].spire("agent", "list", "-output", "json"))["agents"]
    assert len([entry for entry in agents if entry["attestation_type"] == "join_token"]) == 2


def test_the_host_finds_records_of_domains(host, sites):
    for site in sites:
        site.publish()
    for domain in (site.domain for site in sites):
        look = ("getent", "ahostsv4", f"registry.nsm-system.{domain.zone}")
        answer = eventually(lambda look=look: _first_word(*look), domain.address)
        assert answer == domain.address


def _first_word(*command):
    return "".join(control.execute(HOST, *command).stdout.split()[:1])


def test_its_endpoint_is_found_and_reached_from_the_other_domain(agent, host, sites):
    first, second = sites
    first.trust(second)
    second.trust(first)
    domain = first.domain
    entry = [
        *("-parentID", agent, "-spiffeID", f"{agent}/endpoint"),
        *("-selector", f"unix:path:/usr/local/bin/{controlplane.ENDPOINT}"),
        *("-federatesWith", f"spiffe://{second.domain.trust_domain}"),
    ]
    first.spire("entry", "create", *entry)
    told = {
        "SPIFFE_ENDPOINT_SOCKET": "unix:///run/spire/sockets/agent.sock",
        "NSM_NAME": "desk-1",
        "NSM_SERVICE_NAMES": SERVICE,
        "NSM_CONNECT_TO": f"tcp://{domain.address}:{versions.NSM_PORTS[controlplane.REGISTRY]}",
        "NSM_LISTEN_ON": f"tcp://{host.address}:5003",
        "NSM_UNREGISTER_ITSELF": "true",
    }
    lines = "\n".join(f"Environment={name}={value}" for name, value in told.items())
    unit = _UNIT.format(command=f"/usr/local/bin/{controlplane.ENDPOINT}", environment=lines)
    _place("/etc/systemd/system/desk.service", unit)
    _on_host("systemctl", "start", "desk")
    assert eventually(lambda: first.names(SERVICE), ["desk-1"]) == ["desk-1"]
    assert eventually(lambda: second.names(FAR_SERVICE), ["desk-1@my.cluster1"]) == ["desk-1@my.cluster1"]
    visitor = second.start_client("visitor", FAR_SERVICE)
    assert eventually(lambda: _connected_to(visitor), "desk-1@my.cluster1") == "desk-1@my.cluster1"
    visitor.stop()


def _connected_to(process):
    lines = [line for line in process.log.read_text().splitlines() if line.startswith("{")]
    return json.loads(lines[-1])["endpoint"] if lines else None


def test_stopped_it_is_gone(agent, host, sites):
    _on_host("systemctl", "stop", "desk")
    assert sites[0].names(SERVICE) == []
    assert sites[1].names(FAR_SERVICE) == []
