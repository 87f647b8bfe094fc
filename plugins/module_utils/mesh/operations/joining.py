# SPDX-License-Identifier: Apache-2.0
"""What a cluster has for hosts outside Kubernetes: a group, the control plane that serves it, and the way to istiod."""

from __future__ import annotations

import json

from ..apply.readiness import addresses as load_balancer_addresses
from ..model.errors import MeshError
from ..model.objects import Object
from ..model.operation import Reader
from ..model.permissions import Permission
from ..model.sets import DEFAULT_REVISION, suffix
from ..model.specs.vm_bootstrap import VmBootstrapSpec
from ..render import vm_bootstrap as render
from ..render.vm_bootstrap import ISTIOD_PORT, Joining
from . import discovery, workloads

#: istiod writes it into each namespace that it watches.
_ROOT, _ROOT_KEY = "istio-ca-root-cert", "root-cert.pem"
#: Where gateways for hosts and other networks are called so (istio.io, "Virtual Machine Installation").
_EAST_WEST = "istio-eastwestgateway"
#: What istiod calls its cluster when nobody says a name.
_CLUSTER = "Kubernetes"


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


def gateway(cluster: Reader, spec: VmBootstrapSpec) -> list[str]:
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
