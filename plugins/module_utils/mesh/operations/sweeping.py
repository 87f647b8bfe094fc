# SPDX-License-Identifier: Apache-2.0
"""When istiod forgets hosts that are gone (its package autoregistration), as the Deployments of istiod say it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..model.objects import Object

#: What becomes of an entry whose host has disconnected: it goes after the grace period, or with a later round.
_GRACE, _DEFAULT_GRACE, _ROUNDS = "PILOT_WORKLOAD_ENTRY_GRACE_PERIOD", datetime.timedelta(seconds=10), 10
#: The life of a connection, after which agents connect anew; an entry goes when it connected half as long again ago.
_AGE, _AGES = "--keepaliveMaxServerConnectionAge", 1.5
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:h|ms|m|us|µs|s|ns))+")
_PART = re.compile(r"(\d+(?:\.\d*)?)(h|ms|m|us|µs|s|ns)")
_LONGEST = 2**63 / 1e9  # seconds: 292 years, which Go takes for ever
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


class Sweep(NamedTuple):
    """How long after a host disconnected, and after it connected, its entry may be there; None for ever."""

    disconnected: datetime.timedelta
    connected: datetime.timedelta | None


def sweep(istiods: Iterable[Object]) -> Sweep:
    """By the most patient of the control planes. Without any (they are elsewhere) nobody knows how long connections
    live."""
    containers = [item for obj in istiods for item in obj["spec"]["template"]["spec"]["containers"]]
    graces = [grace for container in containers for grace in _durations(_values(container, _GRACE))]
    ages = [age for container in containers for age in _durations(_arguments(container.get("args") or (), _AGE))]
    grace = max(graces, default=_DEFAULT_GRACE)
    return Sweep(grace * (_ROUNDS + 1), max(ages) * _AGES if ages else None)


def _values(container: Mapping[str, Any], name: str) -> Iterator[str]:
    return (str(item.get("value", "")) for item in container.get("env") or () if item.get("name") == name)


def _arguments(args: Sequence[str], name: str) -> Iterator[str]:
    """``--name value`` and ``--name=value``."""
    for number, text in enumerate(args):
        option, equals, value = text.partition("=")
        if option == name:
            yield value if equals else "".join(args[number + 1 : number + 2])


def _durations(texts: Iterable[str]) -> Iterator[datetime.timedelta]:
    """What Go reads as durations."""
    for text in filter(_DURATION.fullmatch, texts):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
        yield datetime.timedelta(seconds=min(seconds, _LONGEST))
