# SPDX-License-Identifier: Apache-2.0
"""What is wrong with hosts outside Kubernetes, as their WorkloadEntries tell it."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .concern import CRITICAL, WARNING, Concern
from .sweeping import Sweep


def of_workloads(workloads: Sequence[Mapping[str, Any]], sweep: Sweep, now: datetime.datetime) -> Iterator[Concern]:
    """Concerns about what :func:`workloads.told` says of hosts."""
    for item in workloads:
        about, age = f"host {item['namespace']}/{item['name']}", _age(item["since"], now)
        if item["since"] and not item["connected"]:
            yield _gone(item, about, age is not None and age > sweep.disconnected)
            continue
        if item["healthy"] is False:
            yield Concern(CRITICAL, about, f"its probe fails: {item['message'] or 'it gives no reason'}")
        if item["connected"] and age is not None and sweep.connected is not None and age > sweep.connected:
            text = f"connected at {item['since']} and not again since, as every agent does; {_DELETE}"
            yield Concern(WARNING, about, text)
    yield from _twice(item for item in workloads if item["connected"])


_DELETE = "if the host is gone, delete its WorkloadEntry"


def _gone(item: Mapping[str, Any], about: str, stale: bool) -> Concern:
    """istiod forgets a host soon; while the entry is there, requests are sent to it."""
    text = f"is not connected since {item['since']}; look at its agent"
    if not stale:
        return Concern(WARNING, about, text)
    return Concern(CRITICAL, about, f"{text}, and why istiod still keeps it; {_DELETE}")


def _age(since: str, now: datetime.datetime) -> datetime.timedelta | None:
    """How long ago that was; None where it is no time."""
    try:
        return now - datetime.datetime.fromisoformat(since)
    except (ValueError, TypeError):  # a time without a zone cannot be compared
        return None


def _twice(connected: Iterable[Mapping[str, Any]]) -> Iterator[Concern]:
    """In one network an address is that of one host; in several it may be there again."""
    hosts = defaultdict(list)
    for item in connected:
        if item["address"]:
            hosts[item["network"], item["address"]].append(f"{item['namespace']}/{item['name']}")
    for (network, address), names in sorted(hosts.items()):
        if len(names) > 1:
            place = f" in network {network}" if network else ""
            text = f"is that of {' and '.join(sorted(names))}{place}, all connected; give each host its own"
            yield Concern(CRITICAL, f"address {address}", text)
