# SPDX-License-Identifier: Apache-2.0
"""The cluster that is measured on: a user of the benchmark's own, counters, a calm start, a reset."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mesh.kube.cluster import Cluster, connect
from mesh.model.errors import MeshError
from mesh.model.options import Connection

from bench.metrics import Counts, counts
from bench.objects import NAMESPACE
from bench.places import GRANTED, USER
from bench.process import processor_seconds
from bench.tools import WORK
from lab import certs, state
from lab.home import Home
from lab.kubeconfig import Access
from lab.process import in_network_namespace
from tests.grants import Grants

CALIBRATION = 1000
_CALM = 0.25  # of one core, used by the whole cluster
_DELETERS = 8
_CALM_SECONDS, _CALM_PATIENCE = 0.4, 20.0

_ISTIO = tuple(("networking.istio.io/v1", kind) for kind in ("VirtualService", "DestinationRule", "ServiceEntry"))
#: Kinds that a contender may leave behind in the namespace.
_LEFT = (*_ISTIO, ("v1", "ConfigMap"), ("v1", "Secret"))
_KEPT = frozenset({"kube-root-ca.crt", "istio-ca-root-cert"})


@dataclass(frozen=True)
class Traffic:
    """Bytes over the cluster's link, seen from outside."""

    up: int
    down: int

    def __sub__(self, before: Traffic) -> Traffic:
        return Traffic(self.up - before.up, self.down - before.down)


class Subject:
    """One cluster of the lab. Contenders come as users of the benchmark's; what belongs to no measurement, as
    administrator."""

    def __init__(self, name: str) -> None:
        lab = state.load()
        self.name = name
        self.entry = lab.cluster(name)
        self._home = Home(name)
        self.admin: Cluster = connect(Connection(kubeconfig=lab.kubeconfig, context=name), name)
        self.grants = Grants(self.admin, {"kind": "User", "name": GRANTED})
        self.pki = WORK / "pki" / name
        self._admit()

    def _admit(self) -> None:
        """The users: not of system:masters, whom the API server exempts from its fairness; with a flow of their own,
        so that the API server counts their requests apart."""
        _issue(self._home.pki, self.pki, USER, GRANTED)
        rbac = "rbac.authorization.k8s.io"
        subject = {"apiGroup": rbac, "kind": "User", "name": USER}
        binding = {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": USER},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [subject],
        }
        everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        rules = {
            "subjects": [{"kind": "User", "user": {"name": name}} for name in (USER, GRANTED)],
            "resourceRules": [{**everything, "namespaces": ["*"], "clusterScope": True}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }
        flow = {
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "FlowSchema",
            "metadata": {"name": USER},
            "spec": {
                "matchingPrecedence": 500,
                "priorityLevelConfiguration": {"name": "global-default"},
                "distinguisherMethod": {"type": "ByUser"},
                "rules": [rules],
            },
        }
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        for obj in (binding, flow, namespace):
            self.admin.apply(obj, "bench", force=True)

    @property
    def server(self) -> str:
        """The API server's address."""
        return self.entry.server

    def grant(self, declaration: dict[str, Any]) -> None:
        """Exactly what a declaration needs, to the user who has no other roles."""
        self.grants.grant(self.grants.derived([declaration], GRANTED))

    def access(self, server: str = "") -> Access:
        """The user who may do everything, by the API server's own address or by another that leads there."""
        return Access(server or self.server, self.pki, USER)

    # -- counting ---------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """Requests so far."""
        return counts(self.admin.transport.raw("GET", "/metrics").decode(), USER)

    def traffic(self) -> Traffic:
        """Bytes so far."""
        link = Path("/sys/class/net", f"mesh{self.entry.number}", "statistics")
        # What the host's end of the link sends is what the cluster receives.
        return Traffic(_number(link / "tx_bytes"), _number(link / "rx_bytes"))

    def calibrate(self, server: str = "", times: int = CALIBRATION) -> float:
        """Seconds of GET /version, so many times over one connection."""
        import urllib3

        access = self.access(server)
        pool = urllib3.PoolManager(
            maxsize=1, ca_certs=str(access.authority), cert_file=str(access.certificate), key_file=str(access.key)
        )
        pool.request("GET", f"{access.server}/version")
        started = time.monotonic()
        for _ in range(times):
            pool.request("GET", f"{access.server}/version")
        return time.monotonic() - started

    # -- before a measurement ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until the cluster has digested what came before; equal for all, and not for ever."""
        pids = in_network_namespace(self._home.network_namespace)
        deadline = time.monotonic() + _CALM_PATIENCE
        while time.monotonic() < deadline:
            before, started = _used(pids), time.monotonic()
            time.sleep(_CALM_SECONDS)
            if _used(pids) - before < _CALM * (time.monotonic() - started):
                return

    def empty(self) -> None:
        """Delete all that contenders made in the namespace: one by one, since the API server takes longer over a whole
        collection than a client waits."""
        for api_version, kind in _LEFT:
            resource = self.admin.resource(api_version, kind)
            if resource is not None:
                names = [obj["metadata"]["name"] for obj in self.admin.list(api_version, kind, NAMESPACE)]
                paths = [resource.path(NAMESPACE, name) for name in names if name not in _KEPT]
                with ThreadPoolExecutor(_DELETERS) as pool:
                    list(pool.map(lambda path: self.admin.transport.raw("DELETE", path), paths))

    def objects(self) -> int:
        """Istio's objects in the namespace: a contender that does nothing must not win."""
        return sum(self._objects(*kind) for kind in _ISTIO)

    def _objects(self, api_version: str, kind: str) -> int:
        path = self.admin.resource_of({"apiVersion": api_version, "kind": kind, "metadata": {"name": ""}}).path(
            NAMESPACE
        )
        page = self.admin.transport.request("GET", path, query={"limit": 1})
        return len(page["items"]) + int(page["metadata"].get("remainingItemCount", 0))

    def largest_page(self) -> int:
        """Bytes of the largest answer to one of the LISTs that an unchanged set costs."""
        found = [self.admin.resource(*kind) for kind in _ISTIO]
        pages = [self.admin.transport.raw("GET", kind.path(NAMESPACE), query={"limit": 500}) for kind in found if kind]
        return max(map(len, pages), default=0)

    # -- what a mesh does -------------------------------------------------------------------------------------

    def behaves(self) -> bool:
        """Whether a pod comes back injected, and an object that only istiod can find fault with is refused."""
        return self._injects() and self._refuses()

    def _injects(self) -> bool:
        metadata = {"name": "bench", "namespace": NAMESPACE, "labels": {"sidecar.istio.io/inject": "true"}}
        spec = {"containers": [{"name": "app", "image": "app"}]}
        try:
            pod = self.admin.dry_run_create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        except MeshError:
            return False
        return any("istio-proxy" in str(part.get("name")) for part in _containers(pod["spec"]))

    def _refuses(self) -> bool:
        bad: dict[str, Any] = {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "bad", "namespace": NAMESPACE},
            "spec": {"hosts": ["bad"], "http": [{"route": [{"destination": {"host": "a"}, "weight": -1}]}]},
        }
        try:
            self.admin.dry_run_create(bad)
        except MeshError as error:
            self.admin.forget_kinds()  # it may be too early for the kind to be served
            return "denied the request" in str(error)
        return False

    @functools.cached_property
    def kubernetes(self) -> str:
        """Version of the API server."""
        return self.admin.server_version

    def close(self) -> None:
        """End the administrator's connections."""
        self.admin.close()


def _issue(authority_directory: Path, into: Path, *users: str) -> None:
    """Client certificates of the cluster's authority, with files that have certificate and key together."""
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy(authority_directory / "ca.crt", into / "ca.crt")
    authority = x509.load_pem_x509_certificate((into / "ca.crt").read_bytes())
    authority_key = serialization.load_pem_private_key((authority_directory / "ca.key").read_bytes(), None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the lab's authorities have elliptic curve keys")
    for user in users:
        _write_pair(into, user, authority, authority_key)


def _write_pair(into: Path, user: str, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = certs.issue(certs.Identity(user, client=True), key, authority, authority_key)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    for name, data in ((f"{user}.crt", pem), (f"{user}.key", secret), (f"{user}.pem", pem + secret)):
        descriptor = os.open(into / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


def _containers(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))


def _used(pids: set[int]) -> float:
    return sum(map(processor_seconds, pids))
