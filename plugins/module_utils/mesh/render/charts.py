# SPDX-License-Identifier: Apache-2.0
"""Getting charts: from a directory, a repository or a registry; pulled archives are kept, digests are checked."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model.errors import MeshError
from ..model.specs.common import Charts
from . import cache
from .helm import Helm

#: Where Istio's own tree keeps a chart that is published under another name.
_TREE = {
    "istiod": ("istiod", "istio-control/istio-discovery"),
    "cni": ("cni", "istio-cni"),
}
#: What the charts in Istio's own tree have for a version.
_UNRELEASED = "1.0.0"


@dataclass(frozen=True)
class Chart:
    """A chart on disk. ``digest`` is that of the archive, or of all files of a directory."""

    name: str
    path: Path
    digest: str
    version: str
    #: Whether templates look at Capabilities.APIVersions; only then do they matter to the result.
    asks_api_versions: bool


def get(source: Charts, name: str, version: str | None, helm: Helm) -> Chart:
    """The chart; raises MeshError ``chart_unavailable`` or ``chart_digest``."""
    path = _in_directory(source.path, name, version) if source.path else _pulled(source, name, version, helm)
    try:
        chart = _of_directory(name, path) if path.is_dir() else _of_archive(name, path)
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
        raise MeshError("chart_unavailable", f"cannot read the chart: {error}", where=str(path)) from error
    if version and chart.version not in (version, _UNRELEASED):
        raise MeshError(
            "chart_unavailable",
            f"chart {name} has version {chart.version}, not {version}",
            where=str(path),
            hint="correct version or charts.path",
        )
    wanted = source.digests.get(name)
    if wanted and wanted.removeprefix("sha256:") != chart.digest:
        if not source.path:
            path.unlink(missing_ok=True)
        raise MeshError(
            "chart_digest",
            f"chart {name} has digest {chart.digest}",
            where=f"charts.digests.{name}",
            hint="check where the chart comes from, then correct the digest",
        )
    return chart


def _in_directory(directory: str, name: str, version: str | None) -> Path:
    root = Path(directory).expanduser()
    for place in _TREE.get(name, (name,)):
        if (root / place / "Chart.yaml").is_file():
            return root / place
    archives = sorted(root.glob(f"{name}-[0-9]*.tgz"), key=_by_numbers)
    chosen = [path for path in archives if path.name == f"{name}-{version}.tgz"]
    if archives:
        return (chosen or archives)[-1]
    raise MeshError(
        "chart_unavailable",
        f"there is no chart {name} in {directory}",
        where="charts.path",
        hint=f"it must hold {name}/Chart.yaml or {name}-<version>.tgz",
    )


def _by_numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def _pulled(source: Charts, name: str, version: str | None, helm: Helm) -> Path:
    if version is None:
        raise MeshError("invalid_option", "is required", where="version", hint="or set charts.path")
    insecure = source.repository.startswith("http://")
    if insecure and not source.plain_http:
        raise MeshError(
            "invalid_option", "has no TLS", where="charts.repository", hint="set charts.plain_http to allow"
        )
    kept = cache.directory("charts", cache.key(source.repository)) / f"{name}-{version}.tgz"
    if kept.is_file():
        return kept
    try:
        with tempfile.TemporaryDirectory(dir=kept.parent) as directory:
            helm.pull(source.repository, name, version, Path(directory), plain_http=source.plain_http)
            archives = list(Path(directory).glob("*.tgz"))
            if not archives:
                text = f"helm pulled no archive of {name} {version}"
                raise MeshError("chart_unavailable", text, where=source.repository)
            archives[0].replace(kept)
    except OSError as error:
        text = f"chart {name} {version} cannot be kept: {error.strerror}"
        hint = "set XDG_CACHE_HOME to a directory with space that can be written to, or set charts.path"
        raise MeshError("chart_unavailable", text, where=str(kept.parent), hint=hint) from error
    return kept


def _of_archive(name: str, path: Path) -> Chart:
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    kept = cache.directory("charts") / f"{digest}.json"
    facts = cache.read(kept)
    if facts is None:
        facts = _facts(data)
        cache.write(kept, facts)
    return Chart(name, path, digest, **facts)


def _facts(data: bytes) -> dict[str, Any]:
    """What opening an archive tells: it is opened once, as long as its bytes stay the same."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        files = {item.name: archive.extractfile(item).read() for item in archive if item.isfile()}  # type: ignore[union-attr]
    manifests = [text for file, text in files.items() if file.count("/") == 1 and file.endswith("/Chart.yaml")]
    if not manifests:
        raise ValueError("there is no Chart.yaml in it")
    return {"version": _version(manifests[0]), "asks_api_versions": _asks(files.values())}


def _of_directory(name: str, path: Path) -> Chart:
    digest, texts = hashlib.sha256(), []
    for file in sorted(item for item in path.rglob("*") if item.is_file()):
        text = file.read_bytes()
        texts.append(text)
        digest.update(f"{file.relative_to(path)}\0{len(text)}\0".encode() + text)
    return Chart(name, path, digest.hexdigest(), _version((path / "Chart.yaml").read_bytes()), _asks(texts))


def _asks(texts: Iterable[bytes]) -> bool:
    return any(b".APIVersions" in text for text in texts)


def _version(manifest: bytes) -> str:
    """``version:`` of Chart.yaml, a top-level scalar by definition of the format."""
    for line in manifest.decode().splitlines():
        if line.startswith("version:"):
            return line.partition(":")[2].strip().strip("\"'")
    return ""
