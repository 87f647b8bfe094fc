# SPDX-License-Identifier: Apache-2.0
"""The ways of a network service from clients to endpoints, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ..model import nsm
from ..model.specs.network_service import NetworkServiceMatch, NetworkServiceRoute
from .service_chains import Placed
from .service_matching import following

_CLIENT = "client"
_ANY = "any endpoint"
#: Lines that somebody reads; where every hop has several routes, the ways are many.
_MOST = 50


def lines(matches: Sequence[Placed]) -> list[str]:
    """One way a line: ``client -> app=firewall -> app=vpn-gateway``."""
    if not matches:
        return [f"{_CLIENT} -> {_ANY}"]
    found = list(islice(_ways(matches), _MOST + 1))
    return [*found[:_MOST], "..."] if len(found) > _MOST else found


def _ways(matches: Sequence[Placed]) -> Iterator[str]:
    hops = _hops(matches)
    for index, item in enumerate(matches):
        if index not in hops:
            who = nsm.told(item.match.source_selector, "")
            start = f"{_CLIENT} {who}" if who else _CLIENT
            yield from (f"{start}{rest}" for rest in _onwards(matches, index, frozenset()))


def _onwards(matches: Sequence[Placed], index: int, before: frozenset[int]) -> Iterator[str]:
    item = matches[index].match
    otherwise = ", else the next match" if item.fallthrough else ""
    for route in _routes(item):
        arrow = f" -> {_end(route)}{_forwarder(item)}{otherwise}"
        nexts = [other for other in following(matches, route)[:1] if other not in {*before, index}]
        if not nexts:
            yield arrow
        for other in nexts:
            yield from (f"{arrow}{rest}" for rest in _onwards(matches, other, before | {index}))


def _hops(matches: Sequence[Placed]) -> set[int]:
    """Matches for the requests of hops."""
    return {
        other
        for index, item in enumerate(matches)
        for route in item.match.routes
        for other in following(matches, route)[:1]
        if other != index
    }


def _routes(match: NetworkServiceMatch) -> list[NetworkServiceRoute]:
    return match.routes or [NetworkServiceRoute(destination_selector={})]


def _end(route: NetworkServiceRoute) -> str:
    return nsm.told(route.destination_selector, _ANY)


def _forwarder(match: NetworkServiceMatch) -> str:
    return f" (forwarder {nsm.told(match.metadata.labels, '')})" if match.metadata else ""


def mermaid(matches: Sequence[Placed]) -> str:
    """A diagram of Mermaid: an arrow for each route, dotted where another match counts if no endpoint fits."""
    boxes: dict[str, str] = {}
    arrows: dict[str, None] = {}

    def box(text: str) -> str:
        return boxes.setdefault(text, f"n{len(boxes)}")

    hops = _hops(matches)
    for index, item in enumerate(matches):
        who = nsm.told(item.match.source_selector, "")
        start = box(who if index in hops else f"{_CLIENT} {who}".rstrip())
        for route in _routes(item.match):
            arrow = "-.->" if item.match.fallthrough else "-->"
            label = f'|"{_escaped(_forwarder(item.match).strip(" ()"))}"|' if item.match.metadata else ""
            arrows[f"  {start} {arrow}{label} {box(_end(route))}"] = None
    if not matches:
        arrows[f"  {box(_CLIENT)} --> {box(_ANY)}"] = None
    shown = [f'  {name}["{_escaped(text)}"]' for text, name in boxes.items()]
    return "\n".join(["flowchart LR", *shown, *arrows])


def _escaped(text: str) -> str:
    return text.replace('"', "#quot;")
