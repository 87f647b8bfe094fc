# SPDX-License-Identifier: Apache-2.0
"""The helm program (v3 or v4) as a renderer: values by standard input, never in files or arguments."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..model.errors import MeshError
from ..model.secrets import REDACTED, Secrets, of_values, without_userinfo

#: Seconds that rendering or pulling may take.
_TIMEOUT = 120
#: Credentials of clusters, which a renderer needs not.
_NOT_FOR_HELM = ("K8S_AUTH_", "HELM_KUBE")


@dataclass(frozen=True)
class Helm:
    """A helm binary."""

    path: str

    @property
    def identity(self) -> tuple[str, int, int]:
        """Changes with the program, without running it."""
        status = os.stat(self.path)
        return (os.path.realpath(self.path), status.st_size, status.st_mtime_ns)

    def template(
        self,
        chart: Path,
        release: str,
        namespace: str,
        values: Mapping[str, Any],
        kube_version: str,
        api_versions: Iterable[str],
    ) -> str:
        """The manifests as YAML; raises MeshError ``render_failed`` with what the chart said."""
        arguments = ["template", release, str(chart), "--namespace", namespace, "--values", "-"]
        arguments += ["--kube-version", kube_version, "--skip-tests"]
        for version in api_versions:
            arguments += ["--api-versions", version]
        done = self._run(arguments, json.dumps(values))
        if done.returncode:
            secrets = Secrets()  # charts and their schemas repeat values that they do not like
            secrets.learn(of_values(values))
            reason = _reason(_LENGTH.sub(REDACTED, secrets.hide_strictly(done.stderr)))
            raise MeshError("render_failed", reason, where=f"chart {chart.name}", hint="correct the values")
        return done.stdout

    def pull(self, repository: str, name: str, version: str, destination: Path, *, plain_http: bool) -> None:
        """Download an archive; raises MeshError ``chart_unavailable``."""
        arguments = ["pull", "--version", version, "--destination", str(destination)]
        if repository.startswith("oci://"):
            arguments += [f"{repository.rstrip('/')}/{name}", *(["--plain-http"] if plain_http else [])]
        else:
            arguments += [name, "--repo", repository]
        done = self._run(arguments, "")
        if done.returncode:
            raise MeshError(
                "chart_unavailable",
                f"cannot get chart {name} {version}: {_reason(without_userinfo(done.stderr))}",
                where=repository,
                hint="check version and charts.repository, or set charts.path",
            )

    def _run(self, arguments: list[str], text: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self.path, *arguments],
                input=text,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT,
                check=False,
                env={name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_HELM)},
            )
        except subprocess.TimeoutExpired as error:
            raise MeshError("chart_unavailable", f"helm did not end within {_TIMEOUT} s", where=self.path) from error
        except OSError as error:
            raise MeshError("helm_missing", f"cannot run helm: {error.strerror}", where=self.path) from error


def find(binary: str = "") -> Helm:
    """The given program, else HELM_BINARY, else helm on PATH; raises MeshError ``helm_missing``."""
    wanted = binary or os.environ.get("HELM_BINARY") or "helm"
    path = shutil.which(os.path.expanduser(wanted))
    if path is None:
        raise MeshError(
            "helm_missing", f"there is no program {wanted}", hint="install helm v3 or v4, or set HELM_BINARY"
        )
    return Helm(path)


#: What a schema says of a value's length, which may be a secret's.
_LENGTH = re.compile(r"(?<=Length: got )[\d,]+")
#: What helm wraps around the message of a chart's ``fail``.
_WRAPPING = re.compile(r"^.*?: error calling (?:fail|include): ")


def _reason(stderr: str) -> str:
    """The telling part of helm's error on one line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error:")] or lines[-1:] or ["helm failed and said nothing"]
    start = lines.index(errors[0]) if errors[0] in lines else 0
    text = " ".join(lines[start:] or errors).removeprefix("Error:").strip()
    text = _WRAPPING.sub("", text).replace("Use --debug flag to render out invalid YAML", "").strip()
    return text if len(text) <= 400 else f"{text[:397]}..."
