# SPDX-License-Identifier: Apache-2.0
"""The objects of a workload group (istio.io, reference of WorkloadGroup, WorkloadEntry and ServiceEntry)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..model.addresses import canonical
from ..model.objects import Object
from ..model.specs.workload_group import StaticWorkload, WorkloadGroupSpec, WorkloadPort, WorkloadProbe

_NETWORKING = "networking.istio.io/v1"
#: A ServiceAccount of this name every namespace has by itself.
GIVEN = "default"


def service_account(spec: WorkloadGroupSpec) -> str:
    """Whose identity the hosts have."""
    return spec.service_account or spec.name


def labels(spec: WorkloadGroupSpec) -> dict[str, str]:
    """Labels of the hosts."""
    return {"app": spec.name, **spec.labels}


def selector(spec: WorkloadGroupSpec) -> dict[str, str]:
    """By which labels the hosts are found."""
    return spec.selector or {"app": labels(spec)["app"]}


def host_names(spec: WorkloadGroupSpec) -> list[str]:
    """Names under which the hosts are called."""
    services = [f"{spec.service.name or spec.name}.{spec.namespace}.svc.cluster.local"] if spec.service else []
    return [*services, *(spec.service_entry.hosts if spec.service_entry else ())]


def objects(spec: WorkloadGroupSpec) -> Iterator[Object]:
    """Everything but the namespace, in no particular order."""
    if spec.create_service_account and service_account(spec) != GIVEN:
        yield _object("v1", "ServiceAccount", spec, service_account(spec))
    yield {**_object(_NETWORKING, "WorkloadGroup", spec, spec.name), "spec": _group(spec)}
    if spec.service:
        ports = [_service_port(port) for port in spec.service.ports]
        body = {"selector": selector(spec), "ports": ports}
        yield {**_object("v1", "Service", spec, spec.service.name or spec.name), "spec": body}
    if spec.service_entry:
        yield {**_object(_NETWORKING, "ServiceEntry", spec, spec.name), "spec": _service_entry(spec)}
    for entry in spec.entries:
        yield {**_object(_NETWORKING, "WorkloadEntry", spec, entry.name), "spec": _entry(spec, entry)}


def _object(api_version: str, kind: str, spec: WorkloadGroupSpec, name: str) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": spec.namespace}}


def _group(spec: WorkloadGroupSpec) -> dict[str, Any]:
    metadata = _filled({"labels": labels(spec), "annotations": spec.annotations})
    probe = {"probe": _probe(spec.probe)} if spec.probe else {}
    return {"metadata": metadata, "template": _template(spec), **probe}


def _template(spec: WorkloadGroupSpec) -> dict[str, Any]:
    return {"serviceAccount": service_account(spec), **_of_host(spec)}


def _of_host(of: WorkloadGroupSpec | StaticWorkload) -> dict[str, Any]:
    """What a group says of its hosts, and a host of itself."""
    return _filled({"ports": of.ports, "network": of.network, "locality": of.locality, "weight": of.weight})


def _entry(spec: WorkloadGroupSpec, entry: StaticWorkload) -> dict[str, Any]:
    own = {"address": entry.address, "labels": {**labels(spec), **entry.labels}}
    return {**_template(spec), **_of_host(entry), **own}


def _service_port(port: WorkloadPort) -> dict[str, Any]:
    target = port.target_port or port.port
    return {"name": _name(port), "port": port.port, "targetPort": target, "appProtocol": port.protocol.lower()}


def _service_entry(spec: WorkloadGroupSpec) -> dict[str, Any]:
    said = spec.service_entry
    ports = [
        {
            "number": port.port,
            "name": _name(port),
            "protocol": port.protocol,
            **_filled({"targetPort": port.target_port}),
        }
        for port in (said.ports if said else ())
    ]
    return {
        **_filled({"hosts": said.hosts, "addresses": said.addresses} if said else {}),
        "ports": ports,
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "workloadSelector": {"labels": selector(spec)},
    }


def _name(port: WorkloadPort) -> str:
    return port.name or f"{port.protocol.lower()}-{port.port}"


def port_names(ports: Sequence[WorkloadPort]) -> list[str]:
    """Names that more than one port has."""
    return sorted(name for name, count in Counter(map(_name, ports)).items() if count > 1)


def _probe(probe: WorkloadProbe) -> dict[str, Any]:
    """A ReadinessProbe of the WorkloadGroup."""
    return {**_way(probe), **_filled({_camel(name): getattr(probe, name) for name in _TIMES})}


_TIMES = ("initial_delay_seconds", "period_seconds", "timeout_seconds", "success_threshold", "failure_threshold")


def _way(probe: WorkloadProbe) -> dict[str, Any]:
    if probe.http_get:
        asked = probe.http_get
        headers = [{"name": name, "value": value} for name, value in asked.headers.items()]
        said = {"path": asked.path, "port": asked.port, "scheme": asked.scheme, "host": asked.host}
        return {"httpGet": _filled({**said, "httpHeaders": headers})}
    if probe.tcp_socket:
        return {"tcpSocket": _filled({"host": probe.tcp_socket.host, "port": probe.tcp_socket.port})}
    if probe.grpc:
        return {"grpc": _filled({"port": probe.grpc.port, "service": probe.grpc.service})}
    return {"exec": {"command": probe.exec.command}} if probe.exec else {}


def ways(probe: WorkloadProbe) -> list[str]:
    """The ways in which a probe wants to find out; there must be one."""
    return [name for name in ("http_get", "tcp_socket", "grpc", "exec") if getattr(probe, name) is not None]


def endpoint(spec: WorkloadGroupSpec, entry: StaticWorkload) -> tuple[str, str]:
    """By what a host is told from others: networks may have the same addresses."""
    return canonical(entry.address), entry.network or spec.network or ""


def addresses(spec: WorkloadGroupSpec) -> list[str]:
    """Addresses that more than one entry claims."""
    seen = Counter(endpoint(spec, entry) for entry in spec.entries)
    return sorted({address for (address, _network), count in seen.items() if count > 1})


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was said."""
    return {key: value for key, value in values.items() if value not in (None, {}, [])}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
