# SPDX-License-Identifier: Apache-2.0
"""What hosts outside Kubernetes need to join the mesh; works whoever installed it."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from ..kube.certificates import objection
from ..kube.names import resolved
from ..model.addresses import canonical
from ..model.checks import ip_address
from ..model.errors import MeshError
from ..model.operation import Issuer, Nothing, Query, Reader
from ..model.specs.vm_bootstrap import VmBootstrapResult, VmBootstrapSpec
from ..render import vm_bootstrap as render
from ..render.user_data import user_data
from ..render.vm_bootstrap import ISTIOD_PORT, Joining
from .joining import gateway, joining, needs
from .remembering import Remembering

NAME = "vm_bootstrap"
#: For whom istiod takes tokens (istio.io, "Third party tokens").
AUDIENCE = "istio-ca"


def answer(cluster: Issuer, spec: VmBootstrapSpec) -> dict[str, Any]:
    """What :class:`VmBootstrapResult` says."""
    return _Host(cluster, spec, joining(cluster, spec)).answer(cluster)


def of_hosts(specs: Mapping[str, VmBootstrapSpec]) -> Query[Nothing]:
    """The same for many hosts of one cluster, by their names: ``{hosts: {name: result}}``."""
    return Query(NAME, Nothing, lambda cluster, _spec: {"hosts": _answers(cluster, specs)}, VmBootstrapResult)


def _answers(cluster: Issuer, specs: Mapping[str, VmBootstrapSpec]) -> dict[str, dict[str, Any]]:
    """What hosts have in common is asked for once, and what is wrong with one of them is said before a token is issued
    for another."""
    joined: dict[tuple[str | None, ...], Joining] = {}
    known, ready, answered = Remembering(cluster), {}, {}
    for name, spec in specs.items():
        with _about(name):
            place = (spec.namespace, spec.group, spec.revision, spec.control_plane_namespace, spec.cluster_id)
            joined[place] = joined.get(place) or joining(known, spec)
            ready[name] = _Host(known, spec, joined[place])
    _refuse_shared(ready)
    for name, host in ready.items():
        with _about(name):
            answered[name] = host.answer(cluster)
    return answered


def _refuse_shared(hosts: Mapping[str, _Host]) -> None:
    """Two hosts of one address and network would be one to the mesh."""
    seen: dict[tuple[str, str, str], str] = {}
    for name, host in hosts.items():
        other = seen.setdefault(host.endpoint, name) if host.address else name
        if other != name:
            hint = "each host needs an address of its own by which pods reach it"
            raise MeshError("invalid_option", f"has the address {host.address} of {other}", where=name, hint=hint)


@contextlib.contextmanager
def _about(name: str) -> Iterator[None]:
    """Errors say of which host they are."""
    try:
        yield
    except MeshError as error:
        raise error.at(name) from None


class _Host:
    """One host: all that can be said of it without a token."""

    def __init__(self, cluster: Reader, spec: VmBootstrapSpec, joined: Joining) -> None:
        """Raise MeshError for what does not fit."""
        self._spec, self._joining = spec, joined
        if spec.internal_address and spec.external_address:
            text, hint = "cannot be said beside internal_address", "say external_address for a host behind NAT"
            raise MeshError("invalid_option", text, where="external_address", hint=hint)
        self._notes: list[str] = []
        self._addresses = list(self._found(cluster))
        self._files = render.files(spec, self._joining, self._addresses)

    @property
    def address(self) -> str:
        """By which pods reach it, as it was said; empty where the agent is to find one."""
        return self._spec.internal_address or self._spec.external_address or ""

    @property
    def endpoint(self) -> tuple[str, str, str]:
        """By what the mesh tells it from others: namespace, network and address."""
        return self._spec.namespace, self._joining.network, canonical(self.address)

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
        for address in [self._spec.gateway_address] if self._spec.gateway_address else gateway(cluster, self._spec):
            if not ip_address(address):
                yield address
                continue
            addresses = resolved(address)
            text = f"{address} has the addresses {', '.join(addresses)} now; run again when they change"
            self._notes.append(text)
            yield from addresses


VM_BOOTSTRAP: Query[VmBootstrapSpec] = Query(NAME, VmBootstrapSpec, answer, VmBootstrapResult, needs, kept=True)
