# SPDX-License-Identifier: Apache-2.0
"""Spec of a network service of Network Service Mesh: which endpoints answer which clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .. import checks, nsm
from ..spec import option

Payload = Literal["IP", "ETHERNET"]


@dataclass(frozen=True, kw_only=True)
class NetworkServiceRoute:
    """Endpoints to which a match leads."""

    destination_selector: dict[str, str] = option(
        "Labels that an endpoint must have. A value may be a template of Go over the labels of the client, such as "
        "C(.nodeName) between two braces on each side. An empty map fits every endpoint of the service.",
        check=nsm.destination,
        example={"app": "firewall"},
    )
    weight: int | None = option(
        "NSM stores it, and does not look at it: endpoints that fit take turns.", default=None, check=checks.positive
    )


@dataclass(frozen=True, kw_only=True)
class NetworkServiceMetadata:
    """What a match says of the forwarder."""

    labels: dict[str, str] = option(
        "Labels that a forwarder must have to carry the connection.", check=nsm.some_labels, example={"my-nic": "fast"}
    )


@dataclass(frozen=True, kw_only=True)
class NetworkServiceMatch:
    """Where clients with certain labels go. The first match that fits a client counts."""

    source_selector: dict[str, str] = option(
        "Labels that a client must have; without any, every client fits, so that such a match comes last.",
        default={},
        check=nsm.labels,
        example={"app": "firewall"},
    )
    routes: list[NetworkServiceRoute] = option(
        "Endpoints to which it leads; those that fit any of the routes take turns. Without routes it leads to every "
        "endpoint of the service, and must have O(matches[].metadata).",
        default=[],
    )
    fallthrough: bool = option(
        "Whether the next match that fits counts where no endpoint fits this one; else the request fails.",
        default=False,
    )
    metadata: NetworkServiceMetadata | None = option("Which forwarders may carry the connection.", default=None)


@dataclass(frozen=True, kw_only=True)
class NetworkServiceChain:
    """Hops that connections of some clients pass, one after the other."""

    source_selector: dict[str, str] = option(
        "Labels that a client must have to be led this way.", check=nsm.some_labels, example={"team": "red"}
    )
    hops: list[str] = option("The hops, as in O(chain).", check=nsm.hops, example=["firewall", "vpn-gateway"])


@dataclass(frozen=True, kw_only=True)
class NetworkServiceSpec:
    """Declare which endpoints of Network Service Mesh answer the clients of a network service."""

    name: str = option(
        "Name of the network service, by which clients ask for it; NSM knows one of a name in the whole cluster.",
        check=nsm.service_name,
        example="secure-intranet-connectivity",
        replaces=True,
    )
    namespace: str = option(
        "Namespace of the resource; created when it does not exist.",
        default="nsm-system",
        check=checks.dns_label,
        replaces=True,
    )
    payload: Payload | None = option("What is carried; V(IP) where neither this nor O(manifest) says it.", default=None)
    chain: list[str] = option(
        "Hops that every connection passes, one after the other, the last of which is where it ends. Each is the value "
        "of the label C(app) that its endpoints have, or their labels as C(key=value,key=value). The endpoints before "
        "the last one pass on by asking for the same service with their own labels.",
        default=[],
        check=nsm.hops_if_any,
        example=["firewall", "vpn-gateway"],
    )
    chains: list[NetworkServiceChain] = option(
        "Other ways for clients with certain labels, the first that fits counts; the rest take O(chain), or get no "
        "connection without it.",
        default=[],
    )
    matches: list[NetworkServiceMatch] = option(
        "The same in NSM's own words, in place of O(chain) and O(chains). Without any of them every endpoint of the "
        "service answers every client.",
        default=[],
    )
    manifest: dict[str, Any] | None = option(
        "A NetworkService as it is written for kubectl, in place of the options above. One of 2019, whose "
        "version is V(v1alpha1), is converted to the form of today, with a warning.",
        default=None,
    )


@dataclass(frozen=True, kw_only=True)
class NetworkServiceResult:
    """What a network service tells."""

    drawing: list[str] = option("The ways from clients to endpoints, one a line.")
    mermaid: str = option("The same as a diagram of Mermaid.")
