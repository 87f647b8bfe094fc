# SPDX-License-Identifier: Apache-2.0
"""Two servers on loopback with the same charts: an HTTP chart repository and an OCI registry."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import paths, servers, versions
from lab.commands import run
from lab.process import Process
from lab.state import write_atomically

_ADDRESS = "127.0.0.1"
_REGISTRY_CONFIG = """version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {storage}}}}}
http: {{addr: "{address}:{port}"}}
"""
_NO_TELEMETRY = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_SDK_DISABLED": "true"}


def start(programs: dict[str, Path], charts: Path) -> None:
    """Start both, and push the charts into the registry."""
    repository, registry = _processes()
    storage = paths.services() / "registry"
    if not (storage / charts.name).exists():
        stop()
    config = paths.services() / "registry.yaml"
    files_port, registry_port = versions.CHART_REPOSITORY_PORT, versions.OCI_REGISTRY_PORT
    text = _REGISTRY_CONFIG.format(storage=storage, address=_ADDRESS, port=registry_port)
    write_atomically(config, text, 0o644)
    servers.start(repository, _ADDRESS, files_port, servers.of_files(charts / "packed", _ADDRESS, files_port))
    serve = [str(programs["registry"]), "serve", str(config)]
    servers.start(registry, _ADDRESS, registry_port, serve, _NO_TELEMETRY)
    if not (storage / charts.name).exists():
        for chart in sorted((charts / "packed").glob("*.tgz")):
            run(
                [programs["helm"], "push", chart, versions.OCI_CHARTS_URL, "--plain-http"],
                what=f"pushing {chart.name} to the lab's registry",
            )
        (storage / charts.name).touch()


def stop() -> None:
    """Stop both and forget what was pushed."""
    for process in _processes():
        process.stop(grace_seconds=3)
    shutil.rmtree(paths.services(), ignore_errors=True)


def processes() -> list[Process]:
    """Both, for the status table."""
    return list(_processes())


def _processes() -> tuple[Process, Process]:
    logs = paths.services()
    return (
        Process("chart-repository", paths.RUN / "chart-repository.pid", logs / "chart-repository.log"),
        Process("oci-registry", paths.RUN / "oci-registry.pid", logs / "oci-registry.log"),
    )
