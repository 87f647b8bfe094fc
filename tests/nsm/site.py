# SPDX-License-Identifier: Apache-2.0
"""One domain, and by hand what makes a mesh of domains: identities, trust, records."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import paths, versions
from lab.domains import control, controlplane
from lab.process import Process
from lab.state import Domain

#: What has an identity, and its name in the SPIFFE ID: the programs of the lab.
PROGRAMS = {
    controlplane.REGISTRY: "registry",
    controlplane.REGISTRY_PROXY: "registry-proxy",
    controlplane.MANAGER: "nsmgr",
    controlplane.MANAGER_PROXY: "nsmgr-proxy",
    controlplane.FORWARDER: "forwarder",
    controlplane.ENDPOINT: "endpoint",
    controlplane.CLIENT: "client",
}
#: What other domains look up, and the port that they are to find.
EXPOSED = {
    "registry.nsm-system": versions.NSM_PORTS[controlplane.REGISTRY],
    "nsmgr-proxy.nsm-system": versions.NSM_PORTS[controlplane.MANAGER_PROXY],
}


@dataclass
class Site:
    """A domain of the lab, with what this test has registered there."""

    domain: Domain
    entries: dict[str, str] = field(default_factory=dict)

    def spire(self, *words: str, stdin: str = "") -> str:
        """What SPIRE's own command line says, which has to succeed."""
        command = [str(paths.BIN / "spire-server"), *words, "-socketPath", self.domain.server_socket]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def identify(self) -> None:
        """An entry for each program, which knows it by its path."""
        for program, name in PROGRAMS.items():
            made = json.loads(self.spire("entry", "create", *self._entry(program, name), "-output", "json"))
            self.entries[program] = made["results"][0]["entry"]["id"]

    def trust(self, other: Site) -> None:
        """Its trust bundle, where to fetch the next one, and all programs may talk to those of the other."""
        name = other.domain.trust_domain
        bundle = other.spire("bundle", "show", "-format", "spiffe")
        self.spire("bundle", "set", "-format", "spiffe", "-id", f"spiffe://{name}", stdin=bundle)
        url = f"https://{other.domain.address}:{versions.SPIRE_BUNDLE_PORT}"
        where = ["-bundleEndpointURL", url, "-bundleEndpointProfile", "https_spiffe"]
        self.spire(
            "federation",
            "create",
            *("-trustDomain", name, *where),
            *("-endpointSpiffeID", f"spiffe://{name}/spire/server"),
        )
        self._federate("-federatesWith", f"spiffe://{name}")

    def distrust(self, other: Site) -> None:
        """Undo trust."""
        name = other.domain.trust_domain
        self._federate()
        self.spire("federation", "delete", "-id", f"spiffe://{name}")
        self.spire("bundle", "delete", "-id", f"spiffe://{name}", "-mode", "dissociate")

    def _federate(self, *words: str) -> None:
        for program, name in PROGRAMS.items():
            self.spire("entry", "update", "-entryID", self.entries[program], *self._entry(program, name), *words)

    def _entry(self, program: str, name: str) -> list[str]:
        path = (paths.BIN / program).resolve()
        spiffe_id = f"spiffe://{self.domain.trust_domain}/{name}"
        return ["-parentID", self.domain.machine, "-spiffeID", spiffe_id, "-selector", f"unix:path:{path}"]

    def publish(self, names: Iterable[str] = EXPOSED) -> None:
        """An SRV and an address record at each of these names, and no others."""
        file = Path(self.domain.zone_file)
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "nsm-system" not in line]
        soa = next(index for index, line in enumerate(lines) if " SOA " in line)
        words = lines[soa].split()
        words[5] = str(int(words[5]) + 1)
        lines[soa] = " ".join(words)
        for name in names:
            lines += [f"{name} IN SRV 0 0 {EXPOSED[name]} {name}", f"{name} IN A {self.domain.address}"]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def resolve(self, name: str) -> str:
        """The address that programs of this domain find at a name; nothing when there is none."""
        look = f"import socket; print(socket.gethostbyname({name!r}))"
        return control.execute(self.domain.name, "python3", "-c", look).stdout.strip()

    def names(self, service: str) -> list[str]:
        """Of whom `find` tells."""
        return sorted(endpoint["name"] for endpoint in self.find(service))

    def find(self, service: str, *, at: str = "", env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Who offers the service, as a client of this domain hears from its manager, or from elsewhere; an error counts
        as nobody."""
        done = self.client("find", service, at=at, env=env)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def client(
        self, action: str, service: str, *, at: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What the client prints, however it ends."""
        variables = {"NSM_NETWORK_SERVICES": f"kernel://{service}/nsm-1", "NSM_REQUEST_TIMEOUT": "5s", **(env or {})}
        if at:
            variables["NSM_CONNECT_TO"] = at
        program = str((paths.BIN / controlplane.CLIENT).resolve())
        return control.execute(self.domain.name, program, action, env=variables)

    def start_endpoint(self, name: str, service: str, **settings: str) -> Process:
        """An endpoint of the service that stays."""
        socket = Path(self.domain.manager_socket).with_name(f"{name}.sock")
        variables = {"NAME": name, "SERVICE_NAMES": service, "LISTEN_ON": f"unix://{socket}", **settings}
        env = {f"NSM_{key}": value for key, value in variables.items()}
        return control.start(self.domain.name, controlplane.ENDPOINT, called=name, env=env)

    def start_client(self, name: str, service: str) -> Process:
        """A client that asks for a connection to the service and keeps it; what it got is in its log."""
        env = {"NSM_NAME": name, "NSM_NETWORK_SERVICES": f"kernel://{service}/nsm-1"}
        return control.start(self.domain.name, controlplane.CLIENT, "request", called=name, env=env)
