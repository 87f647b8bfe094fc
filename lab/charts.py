# SPDX-License-Identifier: Apache-2.0
"""Istio's charts as a release ships them: as directories, and packaged with a repository index."""

from __future__ import annotations

import re
import shutil
from functools import partial
from pathlib import Path

from lab import cache, versions
from lab.commands import run
from lab.gotools import FAMILIES

# Name of the chart -> where the Istio module keeps it.
CHARTS = {
    "base": "charts/base",
    "istiod": "charts/istio-control/istio-discovery",
    "gateway": "charts/gateway",
    "cni": "charts/istio-cni",
    "ztunnel": "charts/ztunnel",
}
_RELEASE_VALUES = (
    (re.compile(r"^(\s*hub:) \S*/testing$", re.MULTILINE), rf"\1 {versions.ISTIO_HUB}"),
    (re.compile(r"^(\s*tag:) latest$", re.MULTILINE), rf"\1 {versions.ISTIO}"),
)
_RELEASE_CHART = ((re.compile(r"^(version|appVersion): .*$", re.MULTILINE), rf"\1: {versions.ISTIO}"),)


def release(programs: dict[str, Path]) -> Path:
    """A directory with `unpacked/<chart>` and `packed/` (archives and index.yaml)."""
    digest = cache.key(FAMILIES["istio"].digest(), FAMILIES["helm"].digest(), Path(__file__), Path(versions.__file__))
    return cache.directory("charts", "istio", digest, partial(_build, programs))


def _build(programs: dict[str, Path], into: Path) -> None:
    source, unpacked, packed = into / "source", into / "unpacked", into / "packed"
    run([programs["charts"], source], what="unpacking Istio's charts")
    for name, location in CHARTS.items():
        chart = unpacked / name
        shutil.copytree(source / location, chart)
        _rewrite(chart / "Chart.yaml", _RELEASE_CHART)
        _rewrite(chart / "values.yaml", _RELEASE_VALUES)
    shutil.rmtree(source)
    run(
        [programs["helm"], "package", *sorted(unpacked.iterdir()), "--destination", packed],
        what="packaging Istio's charts",
    )
    run(
        [programs["helm"], "repo", "index", packed, "--url", versions.CHART_REPOSITORY_URL],
        what="indexing the chart repository",
    )


def _rewrite(path: Path, rules: tuple[tuple[re.Pattern[str], str], ...]) -> None:
    text = path.read_text(encoding="utf-8")
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    path.write_text(text, encoding="utf-8")


def install(directory: Path, source: Path) -> None:
    """Copy the unpacked charts to where people look for them; links would make Helm warn."""
    stamp = directory / ".source"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == source.name:
        return
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(source / "unpacked", directory)
    stamp.write_text(source.name, encoding="utf-8")
