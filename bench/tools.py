# SPDX-License-Identifier: Apache-2.0
"""The contenders' programs: the lab's, and what is built from the Go modules beside this file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from lab import gotools, versions
from lab.errors import LabError
from lab.gotools import Family

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "bench"

_MODULES = Path(__file__).resolve().parent / "tools"
_HELMFILE = "github.com/helmfile/helmfile"
FLUX = "github.com/fluxcd/pkg/ssa"

_FAMILIES = [
    Family("floor", {"floor": "."}, static=True, modules=_MODULES),
    Family("fluxssa", {"fluxssa": "."}, static=True, modules=_MODULES),
]
_HELMFILE_FAMILY = Family("helmfile", {"helmfile": _HELMFILE}, modules=_MODULES)


@cache
def programs() -> dict[str, str]:
    """Path of every program by name; builds what is missing."""
    built = {**gotools.build(["helm", "helm3", "istio"]), **gotools.build_families(_FAMILIES)}
    beside = Path(sys.prefix) / "bin"
    found = {name: str(path) for name, path in built.items()}
    found |= {"python": sys.executable, "ansible-playbook": str(beside / "ansible-playbook")}
    # The machine's may be a wrapper that chooses another; the environment's has the version that we pin.
    pinned = beside / "kubectl"
    return {**found, "kubectl": str(pinned if pinned.exists() else ROOT / ".lab" / "bin" / "kubectl")}


@cache
def helmfile() -> str:
    """Path of helmfile; apart from the others, because it is by far the largest to build."""
    return str(gotools.build_families([_HELMFILE_FAMILY])["helmfile"])


def contender_versions() -> dict[str, str]:
    """Version of everything that takes part."""
    return {
        "meshops.mesh": _collection(ROOT),
        "ansible-core": metadata.version("ansible-core"),
        "kubernetes (Python)": metadata.version("kubernetes"),
        "kubernetes.core": _collection(ROOT / ".venv" / "collections" / "ansible_collections" / "kubernetes" / "core"),
        "kubectl": _kubectl(),
        "helm": f"{versions.HELM} and {versions.HELM3}",
        "helmfile": _module("helmfile", _HELMFILE),
        FLUX: _module("fluxssa", FLUX),
        "istioctl": versions.ISTIO,
        "Istio": versions.ISTIO,
        "Kubernetes": versions.KUBERNETES,
        "Python": sys.version.split()[0],
    }


def _collection(directory: Path) -> str:
    """From the manifest of an installed collection, or our own galaxy.yml."""
    manifest = directory / "MANIFEST.json"
    if manifest.exists():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    lines = (directory / "galaxy.yml").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1] for line in lines if line.startswith("version:"))


def _kubectl() -> str:
    answer: Mapping[str, Mapping[str, str]] = json.loads(
        subprocess.run(
            [programs()["kubectl"], "version", "--client", "--output=json"], check=True, capture_output=True
        ).stdout
    )
    return answer["clientVersion"]["gitVersion"].lstrip("v")


def _module(family: str, module: str) -> str:
    """The version that a family's go.mod pins."""
    text = (_MODULES / family / "go.mod").read_text(encoding="utf-8")
    for line in text.splitlines():
        words = line.removeprefix("require").split()
        if words and words[0] == module:
            return words[1].lstrip("v")
    raise LabError(f"{family}/go.mod does not require {module}.")
