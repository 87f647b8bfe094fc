# SPDX-License-Identifier: Apache-2.0
"""A gateway's spec as values of Istio's gateway chart."""

from __future__ import annotations

from typing import Any

from ..model.sets import suffix
from ..model.specs.gateway import GatewayPort, GatewaySpec
from . import exposing
from .values import Values, merged, nested, overridden


def values_for(spec: GatewaySpec) -> Values:
    """Values of the gateway chart."""
    return merged(typed_values(spec), spec.values)


def warnings(spec: GatewaySpec) -> list[str]:
    """Values that overrule a typed field."""
    found = sorted(overridden(typed_values(spec), spec.values))
    return [f"values.{path} overrules a typed option" for path in found]


def typed_values(spec: GatewaySpec) -> Values:
    """What the typed fields say."""
    default_type = "ClusterIP" if spec.type == "egress" else None
    return merged(
        nested("name", spec.name),
        nested("revision", suffix(spec.revision).removeprefix("-") or None),
        nested("labels", _labels(spec)),
        nested("networkGateway", spec.network if spec.type == "eastwest" else None),
        nested("service.type", spec.service_type or default_type),
        nested("service.annotations", spec.service_annotations),
        nested("service.ports", [_port(port) for port in spec.ports or _exposing(spec)]),
        nested("service.ipFamilies", spec.ip_families),
        nested("service.ipFamilyPolicy", spec.ip_family_policy),
        nested("imagePullPolicy", spec.image_pull_policy),
        nested("imagePullSecrets", [{"name": name} for name in spec.image_pull_secrets]),
        _scale(spec),
    )


def _exposing(spec: GatewaySpec) -> tuple[GatewayPort, ...]:
    """Of a gateway between networks the chart knows the ports itself."""
    between = spec.type == "eastwest" and spec.network
    return exposing.PORTS if "istiod" in spec.expose and not between else ()


def _labels(spec: GatewaySpec) -> dict[str, str]:
    # The chart's own default is istio=<name without istio->, which surprises: the name is said as it is.
    return {"istio": spec.name, **spec.labels}


def _scale(spec: GatewaySpec) -> Values:
    if spec.replicas is not None:
        return {"autoscaling": {"enabled": False}, "replicaCount": spec.replicas}
    return merged(
        nested("autoscaling.minReplicas", spec.min_replicas), nested("autoscaling.maxReplicas", spec.max_replicas)
    )


def _port(port: GatewayPort) -> dict[str, Any]:
    made = {
        "name": port.name,
        "port": port.port,
        "targetPort": port.target_port or port.port,
        "protocol": port.protocol,
    }
    return {**made, **({"nodePort": port.node_port} if port.node_port else {})}
