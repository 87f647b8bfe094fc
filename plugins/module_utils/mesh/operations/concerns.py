# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a mesh, or will be: by what mesh_info found, and by certificates that everybody may read."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..kube.certificates import READABLE, certificates_in
from ..model.objects import Object
from ..model.operation import Finding
from . import discovery, support
from .concern import CRITICAL, WARNING, Concern
from .sweeping import Sweep
from .workload_concerns import of_workloads


def concerns(
    found: Mapping[str, Any],
    injectors: Sequence[Object],
    roots: Iterable[Object | None],
    sweep: Sweep,
    now: datetime.datetime,
    warn_days: int,
) -> list[dict[str, str]]:
    """``[{severity, about, text, until}]``: broken things first, then by their last day."""
    revisions = found["revisions"]
    soon = now.date() + datetime.timedelta(days=warn_days)
    everything = [
        *_broken(revisions),
        *_orphans(revisions, discovery.revisions_of(injectors), found["proxies"]),
        *_unreadable(),
        *_expiring(_certificates(injectors, roots), now, soon),
        *_unsupported(revisions, found["kubernetes"], now.date(), soon),
        *of_workloads(found["workloads"], sweep, now),
    ]
    ordered = sorted(everything, key=lambda item: (item.severity, item.until or datetime.date.max, item))
    return [
        {"severity": severity, "about": about, "text": text, "until": until.isoformat() if until else ""}
        for severity, about, text, until in ordered
    ]


def _broken(revisions: Iterable[Mapping[str, Any]]) -> Iterator[Concern]:
    for item in revisions:
        about = f"revision {item['revision']}"
        if not item["ready"]:
            yield Concern(CRITICAL, about, f"istiod is not ready: {item['reason']}")
        if not item["webhook"]:
            yield Concern(CRITICAL, about, "no injection webhook with a certificate answers for it")


def _orphans(
    revisions: Iterable[Mapping[str, Any]], elsewhere: Collection[str], proxies: Iterable[Mapping[str, str]]
) -> Iterator[Concern]:
    """Proxies that nobody configures, or that are too far from who does."""
    versions = {item["revision"]: item["version"] for item in revisions}
    for proxy in proxies:
        about = f"proxy {proxy['namespace']}/{proxy['name']}"
        if proxy["revision"] not in versions and proxy["revision"] in elsewhere:
            continue  # its control plane is outside the cluster, or in another namespace
        if proxy["revision"] not in versions:
            text = f"its revision {proxy['revision']} is not there; restart the workload"
            yield Concern(CRITICAL, about, text)
            continue
        version = versions[proxy["revision"]]
        behind = support.minors_behind(proxy["version"], version)
        if not 0 <= behind <= support.PROXY_SKEW:
            how = "newer" if behind < 0 else f"more than {support.PROXY_SKEW} minor versions older"
            text = f"is {proxy['version']}, {how} than its control plane {version}; restart the workload"
            yield Concern(WARNING, about, text)


def _certificates(injectors: Iterable[Object], roots: Iterable[Object | None]) -> Iterator[tuple[str, bytes]]:
    """What they are for, and certificates in PEM."""
    texts = [((root or {}).get("data") or {}).get("root-cert.pem") for root in roots]
    for text in dict.fromkeys(text for text in texts if isinstance(text, str)):
        yield "root certificate of the mesh", text.encode()
    for injector in injectors:
        bundles = {webhook["clientConfig"].get("caBundle") or "" for webhook in injector.get("webhooks") or ()}
        for bundle in sorted(filter(None, bundles)):
            try:
                yield f"webhook {injector['metadata']['name']}", base64.b64decode(bundle)
            except (ValueError, binascii.Error):
                continue  # the API server takes nothing else


def _unreadable() -> Iterator[Concern]:
    if not READABLE:
        text = "cannot be looked at: install cryptography for Ansible's Python"
        yield Concern(WARNING, "certificates", text)


def _expiring(
    certificates: Iterable[tuple[str, bytes]], now: datetime.datetime, soon: datetime.date
) -> Iterator[Concern]:
    for about, pem in certificates:
        for subject, end in certificates_in(pem):
            if end <= now:
                yield Concern(CRITICAL, about, f"the certificate {subject} has expired; rotate it", end.date())
            elif end.date() <= soon:
                yield Concern(WARNING, about, f"the certificate {subject} expires; rotate it", end.date())


def _unsupported(
    revisions: Iterable[Mapping[str, Any]], kubernetes: str, today: datetime.date, soon: datetime.date
) -> Iterator[Concern]:
    for item in revisions:
        about, end = f"revision {item['revision']}", support.end_of(item["version"])
        if end and end <= soon:
            when = "is out of support" if end < today else "goes out of support"
            yield Concern(WARNING, about, f"Istio {item['version']} {when}; upgrade", end)
        for finding in support.kubernetes(item["version"], kubernetes):
            yield Concern(_severity(finding), about, f"{finding.error.msg} ({finding.error.hint})")


def _severity(finding: Finding) -> str:
    return CRITICAL if finding.level == "error" else WARNING
