# SPDX-License-Identifier: Apache-2.0
"""The result for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .measure import CANARY_USER, FAULT_USER, HOST, POD, RATINGS, REQUESTS, Measured


def show(measured: Sequence[Measured], seconds: float, *, lab: bool) -> None:
    """Print what there is, what it does, and how to go on."""
    print()
    _print(
        [
            ("CLUSTER", "KUBERNETES", "REVISION", "PROXIES", "GATEWAY", "ADDRESS"),
            *(row for cluster in measured for row in _installed(cluster)),
        ]
    )
    print()
    _print(
        [
            ("", *(cluster.name for cluster in measured), "DECLARED"),
            (f"reviews v1 / v2, {REQUESTS} requests", *(_split(cluster) for cluster in measured), "95 / 5 %"),
            (f"reviews for user {CANARY_USER}", *(cluster.canary_user for cluster in measured), "v2"),
            (f"ratings for user {FAULT_USER}", *(_fault(cluster) for cluster in measured), "fault 418"),
            ("page", *(str(cluster.page) for cluster in measured), "200"),
            ("plain text to a pod", *(cluster.plain_text for cluster in measured), "refused"),
            *(_ratings(measured) if any(cluster.ratings for cluster in measured) else ()),
        ]
    )
    print(f"\nThat took {seconds:.1f} s. To see the page:  curl http://{measured[0].address}/productpage")
    if lab:
        print('To look further:  eval "$(make env)", then kubectl, istioctl and helm.  To stop:  make lab-down')


def _installed(cluster: Measured) -> Iterable[tuple[str, ...]]:
    for revision in cluster.info["revisions"]:
        yield (
            cluster.name,
            cluster.info["kubernetes"],
            f"{revision['revision']} {revision['version']}{'' if revision['ready'] else ' (not ready)'}",
            str(revision["proxies"]),
            "webgw",
            f"http://{cluster.address}",
        )


def _split(cluster: Measured) -> str:
    others = [f"{count} {name}" for name, count in cluster.split.items() if name not in ("v1", "v2")]
    return " / ".join([str(cluster.split["v1"]), str(cluster.split["v2"]), *others])


def _ratings(measured: Sequence[Measured]) -> Iterable[tuple[str, ...]]:
    """Where ratings run on a host outside Kubernetes, too."""
    shares = [f"{cluster.ratings[POD]} / {cluster.ratings[HOST]}" if cluster.ratings else "-" for cluster in measured]
    yield f"ratings by pod / host, {RATINGS} requests", *shares, "both"


def _fault(cluster: Measured) -> str:
    return f"fault {cluster.fault}" if cluster.fault >= 400 else f"status {cluster.fault}"


def _print(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
