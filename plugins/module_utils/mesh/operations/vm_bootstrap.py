# SPDX-License-Identifier: Apache-2.0
"""What hosts outside Kubernetes need to join the mesh; works whoever installed it."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..apply.readiness import addresses as load_balancer_addresses
from ..kube.certificates import objection
from ..kube.names import resolved
from ..model.addresses import canonical
from ..model.checks import ip_address
from ..model.errors import MeshError
from ..model.objects import Object
from ..model.operation import Issuer, Nothing, Query, Reader
from ..model.permissions import Permission
from ..model.sets import DEFAULT_REVISION, suffix
from ..model.specs.vm_bootstrap import VmBootstrapResult, VmBootstrapSpec
from ..render import vm_bootstrap as render
from ..render.user_data import user_data
from ..render.vm_bootstrap import ISTIOD_PORT, Joining
from . import discovery, workloads
from .remembering import Remembering

NAME = "vm_bootstrap"
#: For whom istiod takes tokens (istio.io, "Third party tokens").
AUDIENCE = "istio-ca"
_ROOT, _ROOT_KEY = "istio-ca-root-cert", "root-cert.pem"
#: Where gateways for hosts and other networks are called so (istio.io, "Virtual Machine Installation").
_EAST_WEST = "istio-eastwestgateway"
#: What istiod calls its cluster when nobody says a name.
_CLUSTER = "Kubernetes"


def answer(cluster: Issuer, spec: VmBootstrapSpec) -> dict[str, Any]:
    """What :class:`VmBootstrapResult` says."""
    return _Host(cluster, spec).answer(cluster)


def of_hosts(specs: Mapping[str, VmBootstrapSpec]) -> Query[Nothing]:
    """The same for many hosts of one cluster, by their names: ``{hosts: {name: result}}``."""
    return Query(NAME, Nothing, lambda cluster, _spec: {"hosts": _answers(cluster, specs)}, VmBootstrapResult)


def _answers(cluster: Issuer, specs: Mapping[str, VmBootstrapSpec]) -> dict[str, dict[str, Any]]:
    """What hosts have in common is asked for once, and what is wrong with one of them is said before a token is issued
    for another."""
    _refuse_shared(specs)
    known, ready, answered = Remembering(cluster), {}, {}
    for name, spec in specs.items():
        with _about(name):
            ready[name] = _Host(known, spec)
    for name, host in ready.items():
        with _about(name):
            answered[name] = host.answer(cluster)
    return answered


def _refuse_shared(specs: Mapping[str, VmBootstrapSpec]) -> None:
    """Two hosts of one address and network would be one to the mesh."""
    seen: dict[tuple[str, str], str] = {}
    for name, spec in specs.items():
        address = spec.internal_address or spec.external_address
        other = seen.setdefault((spec.namespace, canonical(address)), name) if address else name
        if other != name:
            hint = "each host needs an address of its own by which pods reach it"
            raise MeshError("invalid_option", f"has the address {address} of {other}", where=name, hint=hint)


@contextlib.contextmanager
def _about(name: str) -> Iterator[None]:
    """Errors say of which host they are."""
    try:
        yield
    except MeshError as error:
        raise error.at(name) from None


class _Host:
    """One host: all that can be said of it without a token."""

    def __init__(self, cluster: Reader, spec: VmBootstrapSpec) -> None:
        """Raise MeshError for what does not fit."""
        self._spec = spec
        self._joining = joining(cluster, spec)
        if spec.internal_address and spec.external_address:
            text, hint = "cannot be said beside internal_address", "say external_address for a host behind NAT"
            raise MeshError("invalid_option", text, where="external_address", hint=hint)
        self._notes: list[str] = []
        self._addresses = list(self._found(cluster))
        self._files = render.files(spec, self._joining, self._addresses)

    def answer(self, cluster: Issuer) -> dict[str, Any]:
        """The result, with a token where one is needed and wanted."""
        spec, joining_ = self._spec, self._joining
        reason = objection(spec.certificate, self._identity, joining_.root, datetime.datetime.now(datetime.UTC))
        token, expires = "", ""
        if reason and spec.issue_token:
            account = joining_.service_account
            token, expires = cluster.token(spec.namespace, account, AUDIENCE, spec.token_seconds)
        files = {**self._files, **({"istio-token": token} if token else {})}
        ports = [22, *spec.exclude_inbound_ports]
        return {
            "files": files,
            "user_data": user_data(files, spec.package, ports) if spec.package else "",
            "token_needed": bool(reason),
            "token_reason": reason,
            "token_expires": expires,
            "istiod": {"name": joining_.istiod, "port": ISTIOD_PORT, "addresses": self._addresses},
            "identity": self._identity,
            "service_account": joining_.service_account,
            "trust_domain": joining_.trust_domain,
            "revision": joining_.revision,
            "cluster": joining_.cluster,
            "network": joining_.network,
            "notes": self._notes,
        }

    @property
    def _identity(self) -> str:
        account = self._joining.service_account
        return f"spiffe://{self._joining.trust_domain}/ns/{self._spec.namespace}/sa/{account}"

    def _found(self, cluster: Reader) -> Iterator[str]:
        """IP addresses at which the host reaches istiod."""
        for address in [self._spec.gateway_address] if self._spec.gateway_address else _gateway(cluster, self._spec):
            if not ip_address(address):
                yield address
                continue
            addresses = resolved(address)
            text = f"{address} has the addresses {', '.join(addresses)} now; run again when they change"
            self._notes.append(text)
            yield from addresses


# -- what a cluster has ---------------------------------------------------------------------------------------------


def joining(cluster: Reader, spec: VmBootstrapSpec) -> Joining:
    """What a cluster has for hosts of a group. Raises MeshError ``missing_dependency`` for what is not there."""
    group = cluster.get(workloads.NETWORKING, "WorkloadGroup", spec.namespace, spec.group)
    if group is None:
        where, hint = f"WorkloadGroup {spec.namespace}/{spec.group}", "declare it first (workload_group)"
        raise MeshError("missing_dependency", "is not there", where=where, hint=hint)
    revision, namespace = _served_by(cluster, spec)
    where = f"ConfigMap {namespace}/istio{suffix(revision)}"
    config = _data(cluster, namespace, f"istio{suffix(revision)}", "mesh", "is the control plane installed there?")
    hint = f"istiod writes it into each namespace: does it run, and watch {spec.namespace}?"
    root = _data(cluster, spec.namespace, _ROOT, _ROOT_KEY, hint)
    name = spec.cluster_id or _cluster(cluster, namespace, revision) or _CLUSTER
    found = Joining(group, revision, namespace, render.mapping(config, where), name, root)
    account = found.service_account
    if cluster.get("v1", "ServiceAccount", spec.namespace, account) is None:
        text = f"names the ServiceAccount {account}, which is not there"
        hint = f"kubectl create serviceaccount {account} --namespace {spec.namespace}, or declare the group with it"
        where = f"WorkloadGroup {spec.namespace}/{spec.group}"
        raise MeshError("missing_dependency", text, where=where, hint=hint)
    return found


def _served_by(cluster: Reader, spec: VmBootstrapSpec) -> tuple[str, str]:
    """Revision, and namespace of its control plane."""
    injectors = discovery.injectors(cluster)
    revision = discovery.resolve(injectors, spec.revision)
    if revision is None:
        text, hint = "no revision or tag of that name is installed", "apply the control plane or the tag first"
        raise MeshError("missing_dependency", text, where=f"revision {spec.revision}", hint=hint)
    namespace = spec.control_plane_namespace or discovery.roots_of(injectors).get(revision)
    if namespace is None:
        text, hint = "its control plane runs outside the cluster", "say in which namespace its configuration is"
        raise MeshError("invalid_option", text, where="control_plane_namespace", hint=hint)
    return revision, namespace


def _data(cluster: Reader, namespace: str, name: str, key: str, hint: str) -> str:
    found = cluster.get("v1", "ConfigMap", namespace, name)
    text = ((found or {}).get("data") or {}).get(key)
    if not text:
        where = f"ConfigMap {namespace}/{name}"
        what = "is not there" if found is None else f"has no {key}"
        raise MeshError("missing_dependency", what, where=where, hint=hint)
    return str(text)


def _cluster(cluster: Reader, namespace: str, revision: str) -> str:
    """The name that the control plane gives the cluster in pods; nothing where it does not say."""
    found = cluster.get("v1", "ConfigMap", namespace, f"istio-sidecar-injector{suffix(revision)}") or {}
    try:
        values = json.loads((found.get("data") or {}).get("values") or "{}")
        return str(values["global"]["multiCluster"]["clusterName"] or "")
    except (KeyError, TypeError, ValueError):
        return ""


def _gateway(cluster: Reader, spec: VmBootstrapSpec) -> list[str]:
    """Addresses (IP or name) of the Service through which hosts reach istiod."""
    if spec.gateway:
        namespace, _slash, name = spec.gateway.partition("/")
        service = cluster.get("v1", "Service", namespace, name)
        if service is None:
            raise MeshError("missing_dependency", "is not there", where=f"Service {spec.gateway}", hint=_SAY)
        if not _has_port(service):
            text = f"has no port {ISTIOD_PORT}, on which hosts reach istiod"
            raise MeshError("missing_dependency", text, where=f"Service {spec.gateway}", hint=_SAY)
        candidates = [service]
    else:
        candidates = sorted(filter(_has_port, cluster.list("v1", "Service")), key=_preference)
    found = next((addresses for service in candidates if (addresses := _external(service))), None)
    if found is None:
        named = ", ".join(f"{obj['metadata']['namespace']}/{obj['metadata']['name']}" for obj in candidates)
        text = f"no Service with port {ISTIOD_PORT} has an address outside the cluster ({named or 'there is none'})"
        raise MeshError("missing_dependency", text, where="gateway", hint=_SAY)
    return found


_SAY = "make a gateway of type eastwest that exposes istiod, or say gateway_address"


def _has_port(service: Object) -> bool:
    return any(port["port"] == ISTIOD_PORT for port in service["spec"].get("ports") or ())


def _preference(service: Object) -> tuple[bool, str, str]:
    metadata = service["metadata"]
    return metadata["name"] != _EAST_WEST, metadata["namespace"], metadata["name"]


def _external(service: Object) -> list[str]:
    """Of a load balancer, else those that somebody gave the Service."""
    return load_balancer_addresses(service) or list(service["spec"].get("externalIPs") or ())


def needs(spec: VmBootstrapSpec) -> list[Permission]:
    """What is asked of a cluster in which all is there."""
    mesh = spec.control_plane_namespace or "istio-system"
    # What a tag stands for nobody knows before.
    known = spec.revision == DEFAULT_REVISION
    configs = ("istio", "istio-sidecar-injector") if known else ("",)
    service_namespace, _slash, service = (spec.gateway or "/").partition("/")
    gateway = (
        Permission("get", "", "services", service_namespace, service) if service else Permission("list", "", "services")
    )
    return [
        Permission("get", "networking.istio.io", "workloadgroups", spec.namespace, spec.group),
        Permission("list", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        *(Permission("get", "", "configmaps", mesh, name) for name in configs),
        Permission("get", "", "configmaps", spec.namespace, _ROOT),
        Permission("get", "", "serviceaccounts", spec.namespace),
        Permission("create", "", "serviceaccounts/token", spec.namespace),
        *([] if spec.gateway_address else [gateway]),
    ]


VM_BOOTSTRAP: Query[VmBootstrapSpec] = Query(NAME, VmBootstrapSpec, answer, VmBootstrapResult, needs, kept=True)
