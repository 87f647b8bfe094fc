# SPDX-License-Identifier: Apache-2.0
"""Chains of endpoints as matches: a hop asks for the same service with its own labels, and thereby for the next hop
(networkservicemesh/deployments-k8s, examples/features/nse-composition)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ..model import nsm
from ..model.errors import MeshError
from ..model.specs.network_service import NetworkServiceMatch, NetworkServiceRoute, NetworkServiceSpec


class Placed(NamedTuple):
    """A match, and the option that it comes from."""

    match: NetworkServiceMatch
    place: str


class Way(NamedTuple):
    """One chain: whose clients, over which hops, and the options that say so."""

    source: Mapping[str, str]
    hops: Sequence[str]
    place: str
    of_hops: str


def ways(spec: NetworkServiceSpec) -> list[Way]:
    """All chains, the one for everybody last."""
    others = [
        _way(chain.hops, chain.source_selector, f"chains[{index}].source_selector", f"chains[{index}].hops")
        for index, chain in enumerate(spec.chains)
    ]
    return [*others, *([_way(spec.chain, {}, "chain", "chain")] if spec.chain else [])]


def _way(hops: Sequence[str], source: Mapping[str, str], place: str, of_hops: str) -> Way:
    return Way(source, [nsm.hop_text(text) for text in hops], place, of_hops)


def expanded(found: Sequence[Way]) -> list[Placed]:
    """The matches that bring chains about. Those for hops come first, or a hop would be taken for a client. Raises
    MeshError ``invalid_option``."""
    for flaw in _flaws(found):
        raise flaw
    passing = {
        way.hops[index]: Placed(_match(nsm.hop(way.hops[index]), way.hops[index + 1]), f"{way.of_hops}[{index}]")
        for way in found
        for index in range(len(way.hops) - 1)
    }
    entering = [Placed(_match(way.source, way.hops[0]), way.place) for way in found]
    return [*passing.values(), *entering]


def _match(source: Mapping[str, str], hop: str) -> NetworkServiceMatch:
    route = NetworkServiceRoute(destination_selector=nsm.hop(hop))
    return NetworkServiceMatch(source_selector=dict(source), routes=[route])


def _flaws(found: Sequence[Way]) -> Iterator[MeshError]:
    for way in found:
        yield from _loops(way)
    yield from _clashes(found)
    yield from _alike(found)


def _loops(way: Way) -> Iterator[MeshError]:
    seen: dict[str, int] = {}
    for index, hop in enumerate(way.hops):
        if hop in seen:
            text = f"{hop} is in the chain twice: a loop, as its request leads to the same next hop each time"
            hint = "give the endpoints of the second one labels of their own"
            yield MeshError("invalid_option", text, where=f"{way.of_hops}[{index}]", hint=hint)
        seen.setdefault(hop, index)


def _clashes(found: Sequence[Way]) -> Iterator[MeshError]:
    """A hop's request shows its own labels only, and not whose connection it passes on."""
    after: dict[str, tuple[str, str]] = {}
    for way in found:
        for index, hop in enumerate(way.hops):
            following = way.hops[index + 1] if index + 1 < len(way.hops) else ""
            place = f"{way.of_hops}[{index}]"
            known, where = after.setdefault(hop, (following, place))
            if known != following:
                goes = f"goes on to {following}" if following else "ends"
                other = f"it goes on to {known}" if known else "it ends"
                text = f"{hop} {goes}, and in {where} {other}: a hop's request does not tell of which chain it is"
                hint = "give the endpoints of one of them labels of their own"
                yield MeshError("invalid_option", text, where=place, hint=hint)


def _alike(found: Sequence[Way]) -> Iterator[MeshError]:
    """Endpoints of one hop that also fit another would be asked in its place."""
    places = {hop: f"{way.of_hops}[{index}]" for way in found for index, hop in enumerate(way.hops)}
    for hop, place in places.items():
        for other, other_place in places.items():
            if hop != other and nsm.covers(nsm.hop(hop), nsm.hop(other)):
                text = f"{hop} also fits the endpoints of {other} ({other_place}), which would take its place"
                hint = "give the endpoints of each hop a label that the others do not have"
                yield MeshError("invalid_option", text, where=place, hint=hint)
