# SPDX-License-Identifier: Apache-2.0
"""Gateways as resources of the Gateway API: istiod runs the proxies (istio.io, "Kubernetes Gateway API", "Automated
Deployment")."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..model.objects import Object
from ..model.sets import DEFAULT_REVISION
from ..model.specs.gateway import GatewayListener, GatewaySpec
from ..model.specs.waypoint import WaypointSpec
from .values import Values, merged, nested

API_VERSION = "gateway.networking.k8s.io/v1"
#: Type of gateway -> class; istiod makes the classes when it finds the definitions.
CLASSES = {"ingress": "istio", "egress": "istio", "eastwest": "istio-east-west"}
WAYPOINT_CLASS = "istio-waypoint"
_NETWORK, _REVISION = "topology.istio.io/network", "istio.io/rev"
#: The port of HBONE (Istio's "Ambient data plane").
_MESH: Object = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
_MUTUAL = {"mode": "Terminate", "options": {"gateway.istio.io/tls-terminate-mode": "ISTIO_MUTUAL"}}


def gateway(spec: GatewaySpec) -> list[Object]:
    """The Gateway, and what its proxies are to have that the Gateway API has no words for."""
    network = {_NETWORK: spec.network} if spec.network else {}
    service = spec.service_type or ("ClusterIP" if spec.type == "egress" else None)
    overlays = merged(_scale(spec), nested("service", _service(spec)), nested("deployment", _images(spec)))
    listeners = [{**_MESH, "tls": _MUTUAL}] if spec.type == "eastwest" else [_listener(x) for x in spec.listeners]
    marks = {"labels": {"istio": spec.name, **network, **spec.labels}}
    metadata = {
        "name": spec.name,
        "namespace": spec.namespace,
        "labels": {**_revision(spec.revision), **network},
        **({"annotations": {"networking.istio.io/service-type": service}} if service else {}),
    }
    return _objects(metadata, CLASSES[spec.type], listeners, marks, overlays)


def waypoint(spec: WaypointSpec) -> list[Object]:
    """The Gateway of a waypoint, and how many proxies it has."""
    labels = {"istio.io/waypoint-for": spec.traffic, **_revision(spec.revision)}
    metadata = {"name": spec.name, "namespace": spec.namespace, "labels": labels}
    # Where none are named, istiod gives its own objects the labels of the Gateway, and so also those of our set.
    marks = {"labels": {"app.kubernetes.io/name": spec.name, **spec.labels}}
    return _objects(metadata, WAYPOINT_CLASS, [_MESH], marks, _scale(spec))


def _objects(
    metadata: Object, class_name: str, listeners: Sequence[Object], marks: Object, overlays: Mapping[str, Values]
) -> list[Object]:
    options = f"{metadata['name']}-options"
    found = []
    if overlays:
        where = {"name": options, "namespace": metadata["namespace"]}
        data = {key: json.dumps(value, sort_keys=True) for key, value in sorted(overlays.items())}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": where, "data": data})
        marks = {**marks, "parametersRef": {"group": "", "kind": "ConfigMap", "name": options}}
    spec: Object = {"gatewayClassName": class_name, "listeners": list(listeners)}
    spec["infrastructure"] = marks
    return [*found, {"apiVersion": API_VERSION, "kind": "Gateway", "metadata": metadata, "spec": spec}]


def _revision(revision: str) -> dict[str, str]:
    return {} if revision == DEFAULT_REVISION else {_REVISION: revision}


def _listener(item: GatewayListener) -> Object:
    tls: Object = {}
    if item.certificates:
        tls["certificateRefs"] = [_certificate(name) for name in item.certificates]
    if item.tls_mode:
        tls["mode"] = item.tls_mode
    return {
        "name": item.name,
        "port": item.port,
        "protocol": item.protocol,
        **({"hostname": item.hostname} if item.hostname else {}),
        **({"tls": tls} if tls else {}),
        "allowedRoutes": {"namespaces": {"from": item.routes_from}},
    }


def _certificate(name: str) -> Object:
    namespace, _slash, secret = name.rpartition("/")
    return {"kind": "Secret", "name": secret, **({"namespace": namespace} if namespace else {})}


def _scale(spec: GatewaySpec | WaypointSpec) -> Values:
    if spec.replicas is not None:
        return nested("deployment.spec.replicas", spec.replicas)
    autoscaler = "horizontalPodAutoscaler.spec"
    return merged(
        nested(f"{autoscaler}.minReplicas", spec.min_replicas), nested(f"{autoscaler}.maxReplicas", spec.max_replicas)
    )


def _service(spec: GatewaySpec) -> Values:
    node_ports = [{"port": item.port, "nodePort": item.node_port} for item in spec.listeners if item.node_port]
    return merged(
        nested("metadata.annotations", spec.service_annotations),
        nested("spec.ports", node_ports),
        nested("spec.ipFamilies", spec.ip_families),
        nested("spec.ipFamilyPolicy", spec.ip_family_policy),
    )


def _images(spec: GatewaySpec) -> Values:
    policy = [{"name": "istio-proxy", "imagePullPolicy": spec.image_pull_policy}] if spec.image_pull_policy else []
    secrets = [{"name": name} for name in spec.image_pull_secrets]
    return merged(
        nested("spec.template.spec.containers", policy), nested("spec.template.spec.imagePullSecrets", secrets)
    )
