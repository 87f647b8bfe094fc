# SPDX-License-Identifier: Apache-2.0
"""Two servers on loopback with the same charts: an HTTP chart repository and an OCI registry."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

from lab import paths, versions
from lab.commands import run
from lab.errors import LabError
from lab.process import Process
from lab.state import write_atomically
from lab.waiting import wait_for

_REGISTRY_CONFIG = """version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {storage}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
_NO_TELEMETRY = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_SDK_DISABLED": "true"}


def start(programs: dict[str, Path], charts: Path) -> None:
    """Start both, and push the charts into the registry."""
    repository, registry = _processes()
    storage = paths.services() / "registry"
    if not (storage / charts.name).exists():
        stop()
    config = paths.services() / "registry.yaml"
    write_atomically(config, _REGISTRY_CONFIG.format(storage=storage, port=versions.OCI_REGISTRY_PORT), 0o644)
    _start(
        repository,
        versions.CHART_REPOSITORY_PORT,
        [
            sys.executable,
            "-m",
            "http.server",
            str(versions.CHART_REPOSITORY_PORT),
            "--bind",
            "127.0.0.1",
            "--directory",
            str(charts / "packed"),
        ],
    )
    _start(registry, versions.OCI_REGISTRY_PORT, [str(programs["registry"]), "serve", str(config)])
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


def _start(process: Process, port: int, command: list[str]) -> None:
    if process.pid() is None and _listens(port):
        raise LabError(
            f"port {port} of 127.0.0.1 is in use by another program ({process.name} needs it); end that one."
        )
    process.start(command, env=_NO_TELEMETRY)
    wait_for(process.name, lambda: _listens(port), [process], timeout_seconds=20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
