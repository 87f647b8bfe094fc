# SPDX-License-Identifier: Apache-2.0
"""Which Kubernetes versions and Gateway API definitions an Istio version works with."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence

from ..model.errors import MeshError
from ..model.objects import Object, annotations_of
from ..model.operation import Finding, Reader

#: Istio minor -> (oldest Kubernetes minor that istiod accepts, newest that it was tested with), both 1.x.
#: From Istio's support status page and the MinK8SVersion of its precheck.
WINDOWS: dict[str, tuple[int, int]] = {
    "1.28": (30, 34),
    "1.29": (30, 35),
    "1.30": (32, 36),
    "1.31": (32, 36),
}

#: Istio minor -> last day of support, six weeks after the minor after the next (Istio's support status page; of a minor
#: for which it names a month, the end of that).
ENDS: dict[str, datetime.date] = {
    "1.27": datetime.date(2026, 4, 7),
    "1.28": datetime.date(2026, 7, 1),
    "1.29": datetime.date(2026, 8, 31),
    "1.30": datetime.date(2026, 11, 30),
}
#: Minor versions by which proxies may be older than their control plane (Istio's support status page).
PROXY_SKEW = 2

#: Istio minor -> {Gateway API definition: oldest bundle version that istiod reads}; older ones are silently ignored.
GATEWAY_API: dict[str, dict[str, tuple[int, int]]] = {
    "1.30": {"grpcroutes": (1, 1), "backendtlspolicies": (1, 4), "tlsroutes": (1, 5)},
    "1.31": {"grpcroutes": (1, 1), "backendtlspolicies": (1, 4), "tlsroutes": (1, 5)},
}
_GROUP = "gateway.networking.k8s.io"
_BUNDLE = "gateway.networking.k8s.io/bundle-version"
#: Builds from branches say something else there, of which nothing follows.
_RELEASE = re.compile(r"v?(\d+)\.(\d+)\b.*")
_RELEASE_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def kubernetes(istio: str, server: str) -> Iterator[Finding]:
    """Findings about the Kubernetes version."""
    window = WINDOWS.get(_minor(istio))
    if window is None:
        return
    oldest, newest = window
    minor = int(server.split(".")[1])
    supported = f"Istio {_minor(istio)} supports 1.{oldest} to 1.{newest}"
    if minor < oldest:
        yield Finding("error", MeshError("unsupported", f"Kubernetes {server} is too old", hint=supported))
    elif minor > newest:
        yield Finding("warning", MeshError("unsupported", f"Kubernetes {server} is untested", hint=supported))


def step(installed: str, wanted: str, revision: str, *, allowed: bool) -> Iterator[Finding]:
    """Findings about replacing a control plane in place: Istio supports the next minor version, and no way back."""
    before, after = _numbers(installed), _numbers(wanted)
    if not before or not after:
        return
    far = after[0] != before[0] or after[1] - before[1] > 1
    if after < before or far:
        what = "is older than" if after < before else "is more than one minor version beyond"
        text = f"{wanted} {what} the installed {installed}"
        hint = "install it as another revision and move the workloads, or set allow_version_jump"
        error = MeshError("unsupported", text, where=f"revision {revision}", hint=hint)
        yield Finding("warning" if allowed else "error", error)


def _numbers(version: str) -> tuple[int, ...]:
    found = _RELEASE_NUMBERS.match(version)
    return tuple(int(number) for number in found.groups()) if found else ()


def gateway_api_definitions(cluster: Reader) -> Iterator[Object]:
    """The installed definitions whose version matters to some Istio version."""
    if not any(version.startswith(_GROUP) for version in cluster.api_versions):
        return
    for plural in sorted({plural for oldest in GATEWAY_API.values() for plural in oldest}):
        found = cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"{plural}.{_GROUP}")
        if found is not None:
            yield found


def gateway_api(istio: str, definitions: Sequence[Object]) -> Iterator[Finding]:
    """Findings about installed Gateway API definitions."""
    oldest = GATEWAY_API.get(_minor(istio), {})
    for definition in definitions:
        plural, group = definition["metadata"]["name"].split(".", 1)
        bundle = annotations_of(definition).get(_BUNDLE, "")
        release = _RELEASE.fullmatch(bundle)
        if group != _GROUP or plural not in oldest or not release:
            continue
        if (int(release[1]), int(release[2])) < oldest[plural]:
            wanted = ".".join(str(part) for part in oldest[plural])
            yield Finding(
                "warning",
                MeshError(
                    "unsupported",
                    f"Gateway API {bundle} is older than v{wanted}; istiod ignores this kind",
                    where=f"CustomResourceDefinition {definition['metadata']['name']}",
                    hint="update the Gateway API definitions before the control plane",
                ),
            )


def end_of(istio: str) -> datetime.date | None:
    """The last day of support of a version, for those before the table at the latest; None where nobody knows yet."""
    numbers, oldest = _numbers(f"{_minor(istio)}.0"), min(ENDS, key=lambda minor: _numbers(f"{minor}.0"))
    if numbers and numbers < _numbers(f"{oldest}.0"):
        return ENDS[oldest]
    return ENDS.get(_minor(istio))


def minors_behind(proxy: str, plane: str) -> int:
    """By how many minor versions a proxy is older than its control plane; negative where it is newer."""
    before, after = _numbers(proxy), _numbers(plane)
    return after[1] - before[1] if before and after and before[0] == after[0] else 0


def image_version(image: str) -> str:
    """The Istio version in an image's tag, without its flavour; empty for an image that is pinned by digest alone."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return tag.partition("-")[0]


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
