# SPDX-License-Identifier: Apache-2.0
"""Gives Services of type LoadBalancer addresses, as a cloud's controller would.

Runs for the life of a cluster, inside its network namespace: each address from the pool is put on the node's link and
into the Service's status; kube-proxy does the rest. When the Service goes, so does its address.
"""

from __future__ import annotations

import argparse
import http.client
import ipaddress
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from lab.errors import LabError
from lab.home import Home
from lab.kubeapi import Api, Object
from lab.kubeconfig import Access

_SERVICES = "/api/v1/services"
_LINK = "eth0"
_WATCH_SECONDS = 300
_RETRY_SECONDS = 1.0
_BROADCAST = ".255"


def start(home: Home, pool: str, checkout: Path) -> None:
    """Start the watcher as a process of the cluster."""
    module = [sys.executable, "-m", "lab.loadbalancer", str(home.pki), pool]
    home.process("loadbalancer").start(home.in_network(*module), cwd=checkout)


def addresses(pool: str) -> list[str]:
    """The pool's addresses; it is a slice of the bridge's network, so only its broadcast address is not one."""
    return [text for text in map(str, ipaddress.ip_network(pool)) if not text.endswith(_BROADCAST)]


def assign(services: Mapping[str, Object], pool: list[str]) -> dict[str, str]:
    """An address for each Service that wants one: what it has, what it asks for, or the first free one."""
    wanting = {key: service for key, service in sorted(services.items()) if wants_address(service)}
    assigned: dict[str, str] = {}
    for preference in (current, _requested):
        for key, service in wanting.items():
            address = preference(service)
            if key not in assigned and address in pool and address not in assigned.values():
                assigned[key] = address
    free = [address for address in pool if address not in assigned.values()]
    for key in wanting:
        if key not in assigned and free:
            assigned[key] = free.pop(0)
    return assigned


def wants_address(service: Object) -> bool:
    """Of type LoadBalancer, of no other class, and not on its way out."""
    spec = service["spec"]
    leaving = "deletionTimestamp" in service["metadata"]
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass") and not leaving


def current(service: Object) -> str:
    """The address in the Service's status."""
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    return str(ingress[0].get("ip", ""))


def _requested(service: Object) -> str:
    return str(service["spec"].get("loadBalancerIP", ""))


class Watcher:
    """Keeps link and statuses in step with the Services."""

    def __init__(self, api: Api, pool: list[str]) -> None:
        self._api = api
        self._pool = pool
        self._services: dict[str, Object] = {}
        self._on_link = self._pool_addresses_on_link()

    def run_once(self) -> None:
        """List, then follow changes until the server ends the watch."""
        listed = self._api.get(_SERVICES)
        if listed is None:
            raise OSError("API server cannot be reached")
        self._services = {_key(item): item for item in listed["items"]}
        self._reconcile()
        for event in self._api.watch(_SERVICES, listed["metadata"]["resourceVersion"], _WATCH_SECONDS):
            service = event["object"]
            if event["type"] == "ERROR":
                return
            if event["type"] == "DELETED":
                self._services.pop(_key(service), None)
            else:
                self._services[_key(service)] = service
            self._reconcile()

    def _reconcile(self) -> None:
        assigned = assign(self._services, self._pool)
        for address in sorted(set(assigned.values()) - self._on_link):
            _ip("address", "replace", f"{address}/32", "dev", _LINK)
        for address in sorted(self._on_link - set(assigned.values())):
            _ip("address", "delete", f"{address}/32", "dev", _LINK)
        self._on_link = set(assigned.values())
        for key, service in self._services.items():
            address = assigned.get(key, "")
            if address and current(service) != address:
                self._set_status(service, [{"ip": address, "ipMode": "VIP"}])
            elif not address and current(service) in self._pool and service["spec"].get("type") != "LoadBalancer":
                self._set_status(service, [])

    def _set_status(self, service: Object, ingress: list[Object]) -> None:
        metadata = service["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status"
        try:
            self._api.merge(path, {"status": {"loadBalancer": {"ingress": ingress}}})
        except LabError as error:
            # It may be gone by now; its next event tells.
            print(error, flush=True)
        print(f"{metadata['namespace']}/{metadata['name']}: {ingress}", flush=True)

    def _pool_addresses_on_link(self) -> set[str]:
        lines = _ip("-o", "-4", "address", "show", "dev", _LINK).splitlines()
        return {line.split()[3].partition("/")[0] for line in lines} & set(self._pool)


def _key(service: Object) -> str:
    return f"{service['metadata']['namespace']}/{service['metadata']['name']}"


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"ip {' '.join(arguments)}: {done.stderr.strip()}", flush=True)
    return done.stdout


def main() -> None:
    """Runs until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pki", type=Path)
    parser.add_argument("pool")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    api = Api(Access("https://127.0.0.1:6443", arguments.pki, "admin"))
    watcher = Watcher(api, addresses(arguments.pool))
    while True:
        try:
            watcher.run_once()
        except (OSError, http.client.HTTPException) as error:
            print(error, flush=True)
            time.sleep(_RETRY_SECONDS)


if __name__ == "__main__":
    main()
