# SPDX-License-Identifier: Apache-2.0
"""What NSM makes of matches, and what of them cannot be meant (sdk pkg/tools/matchutils and
pkg/networkservice/common/discover): the API server takes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ..model import nsm
from ..model.errors import MeshError
from ..model.operation import Finding
from ..model.specs.network_service import NetworkServiceRoute
from .service_chains import Placed


def findings(matches: Sequence[Placed]) -> Iterator[Finding]:
    """What is wrong with matches, and what surprises."""
    for index, item in enumerate(matches):
        yield from _leading_nowhere(item)
        yield from _hidden(matches, index)
    yield from _loops(matches)
    for item in matches:
        yield from _surprises(item)
    yield from _past_hops(matches)


def _leading_nowhere(item: Placed) -> Iterator[Finding]:
    if not item.match.routes and item.match.metadata is None:
        text = "leads nowhere: without routes and without metadata NSM finds no endpoint, and every request fails"
        yield _wrong(item.place, text, "say routes, or metadata for the choice of forwarders")


def _hidden(matches: Sequence[Placed], index: int) -> Iterator[Finding]:
    own = matches[index].match.source_selector
    for other in matches[:index]:
        if other.match.fallthrough or not nsm.covers(other.match.source_selector, own):
            continue
        if other.match.source_selector:
            who = nsm.told(other.match.source_selector, "")
            text = f"is never reached: {other.place} ({who}) fits all of its clients, and comes first"
            yield _wrong(matches[index].place, text, "choose other labels, or put the one with more of them first")
        else:
            text = f"has no source_selector and fits every client, so that {matches[index].place} is never reached"
            yield _wrong(other.place, text, "put it last, or let it fall through")
        return


def hit(matches: Sequence[Placed], labels: nsm.Labels) -> list[int]:
    """The matches that may count for a client with these labels, of those that are not for everybody."""
    found = []
    for index, item in enumerate(matches):
        if item.match.source_selector and nsm.fits(item.match.source_selector, labels):
            found.append(index)
            if not item.match.fallthrough:
                break
    return found


def following(matches: Sequence[Placed], route: NetworkServiceRoute) -> list[int]:
    """Where the request of an endpoint goes that passes on with the labels by which this route found it; to none of
    the matches where it is no hop."""
    labels = route.destination_selector
    return [] if any("{{" in value for value in labels.values()) else hit(matches, labels)


def _loops(matches: Sequence[Placed]) -> Iterator[Finding]:
    steps = {
        index: sorted({other for route in item.match.routes for other in following(matches, route)})
        for index, item in enumerate(matches)
    }
    for index, others in steps.items():
        if index in others:
            who = nsm.told(matches[index].match.source_selector, "")
            text = f"leads from {who} to {who}: an endpoint that passes connections on would get them back"
            yield _told(matches[index].place, text, "all is well where such endpoints are the end of the way")
    loop = _loop({index: [other for other in others if other != index] for index, others in steps.items()})
    if loop:
        shown = " -> ".join(nsm.told(matches[index].match.source_selector, "") for index in loop)
        text = f"is part of a loop: {shown}"
        yield _wrong(matches[loop[0]].place, text, "let one of them lead to endpoints that pass nothing on")


def _loop(steps: dict[int, list[int]]) -> list[int]:
    """The first way that comes back to where it began; empty where there is none."""
    done: set[int] = set()
    for start in steps:
        way: list[int] = []
        left = [(start, 0)]
        while left:
            node, depth = left.pop()
            del way[depth:]
            if node in way:
                return [*way[way.index(node) :], node]
            if node in done:
                continue
            way.append(node)
            if not steps[node]:
                done.add(node)
            left += [(other, depth + 1) for other in steps[node]]
        done.add(start)
    return []


def _surprises(item: Placed) -> Iterator[Finding]:
    routes = item.match.routes
    if any(route.weight is not None for route in routes):
        yield _told(
            item.place, "has a weight, at which NSM does not look: endpoints that fit take turns", "leave it out"
        )
    selectors = sorted(nsm.told(route.destination_selector, "") for route in routes)
    for one, other in pairwise(selectors):
        if one == other:
            yield _told(item.place, f"has two routes to {one or 'any endpoint'}, which get twice the share", "")
    empty = [key for key, value in item.match.source_selector.items() if not value]
    if empty:
        yield _told(item.place, f"fits clients without the label {empty[0]}, too, as its value is empty", "")


def _past_hops(matches: Sequence[Placed]) -> Iterator[Finding]:
    """Ways that end at any endpoint, in a service some of whose endpoints are hops."""
    if not any(following(matches, route) for item in matches for route in item.match.routes):
        return
    for item in matches:
        every = not item.match.routes or any(not route.destination_selector for route in item.match.routes)
        if every:
            text = "leads to any endpoint of the service, also to those in the middle and at the end of a chain"
            yield _told(item.place, text, "say a destination_selector")


def _wrong(place: str, text: str, hint: str) -> Finding:
    return Finding("error", MeshError("invalid_option", text, where=place, hint=hint))


def _told(place: str, text: str, hint: str) -> Finding:
    return Finding("warning", MeshError("invalid_option", text, where=place, hint=hint))
