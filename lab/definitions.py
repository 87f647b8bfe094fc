# SPDX-License-Identifier: Apache-2.0
"""The definitions of the Gateway API, as a release ships them: one file per channel, from its Go module."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lab import cache, versions
from lab.commands import run
from lab.gotools import FAMILIES

_MODULE = "sigs.k8s.io/gateway-api"
_CHANNELS = ("standard", "experimental")


def release() -> Path:
    """A directory with `<channel>-install.yaml` for each channel."""
    digest = cache.key(FAMILIES["istio"].digest(), Path(__file__), versions.GATEWAY_API)
    return cache.directory("definitions", "gateway-api", digest, _build)


def _build(into: Path) -> None:
    found = run(
        ["go", "mod", "download", "-json", f"{_MODULE}@v{versions.GATEWAY_API}"],
        what="fetching the definitions of the Gateway API",
        env={"GOFLAGS": "-mod=readonly", "GOWORK": "off"},
        cwd=FAMILIES["istio"].module,
    )
    source = Path(json.loads(found)["Dir"]) / "config" / "crd"
    for channel in _CHANNELS:
        files = sorted((source / channel).glob("gateway*.yaml"))
        text = "---\n".join(file.read_text(encoding="utf-8") for file in files)
        (into / f"{channel}-install.yaml").write_text(text, encoding="utf-8")


def install(directory: Path, source: Path) -> None:
    """Copy them to where people look for them."""
    directory.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        shutil.copyfile(file, directory / file.name)
