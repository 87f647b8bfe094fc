# SPDX-License-Identifier: Apache-2.0
"""What an API server counts about itself, in the Prometheus text format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

_DISPATCHED = "apiserver_flowcontrol_dispatched_requests_total"
_REJECTED = "apiserver_flowcontrol_rejected_requests_total"
_REQUESTS = "apiserver_request_total"

_WRITES = frozenset({"APPLY", "DELETE", "DELETECOLLECTION", "PATCH", "POST", "PUT"})
#: What a cluster writes by itself all the time, and what is written to ask something.
_NOT_COUNTED = frozenset({"endpoints", "endpointslices", "events", "leases"})


@dataclass(frozen=True)
class Counts:
    """Requests of one flow (that is: one user), and all writes that are meant to last."""

    requests: int
    writes: int

    def __sub__(self, before: Counts) -> Counts:
        return Counts(self.requests - before.requests, self.writes - before.writes)


def samples(text: str, *names: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """The samples of some metrics: name, labels, value."""
    for line in text.splitlines():
        if line.startswith(names) and (match := _SAMPLE.match(line)) and match[1] in names:
            yield match[1], dict(_LABEL.findall(match[2] or "")), float(match[3])


def counts(text: str, flow: str) -> Counts:
    """The counters as they are now."""
    requests = writes = 0.0
    for name, labels, value in samples(text, _DISPATCHED, _REJECTED, _REQUESTS):
        if name == _REQUESTS:
            writes += value if _lasting(labels) else 0
        elif labels.get("flow_schema") == flow:
            requests += value
    return Counts(int(requests), int(writes))


def _lasting(labels: Mapping[str, str]) -> bool:
    resource = labels.get("resource", "")
    if resource == "configmaps" and labels.get("verb") == "PUT":  # istiod's leaders write theirs every few seconds
        return False
    return (
        labels.get("verb") in _WRITES
        and not labels.get("dry_run")
        and not labels.get("subresource")
        and resource not in _NOT_COUNTED
        and not resource.endswith("reviews")
    )
