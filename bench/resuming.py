# SPDX-License-Identifier: Apache-2.0
"""A benchmark takes an hour: after an interruption it goes on with the parts that are missing, as long as the code, the
machine and the versions are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from bench.results import Results, load
from bench.tools import ROOT

#: What decides what is measured.
_CODE = ("bench", "lab", "plugins", "pulumi_mesh", "roles")
_SKIPPED = ("__pycache__", ".tmp")
#: What differs between two runs of the same benchmark.
_OF_A_RUN = ("command", "date")


def code() -> str:
    """A digest of what is measured, and of what measures."""
    found = (path for place in _CODE for path in (ROOT / place).rglob("*"))
    files = sorted(path for path in found if path.is_file() and not {*path.parts} & {*_SKIPPED})
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def begun(path: Path, about: Mapping[str, Any], parts: Collection[str]) -> Results | None:
    """The results of an interrupted run of these parts, if there was one; each of its parts is complete, because
    results are saved part by part."""
    try:
        found = load(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    done = measured(found)
    interrupted = done and done < {*parts} and not found.notes.get("failures")
    return found if interrupted and _lasting(found.about) == _lasting(about) else None


def measured(results: Results) -> set[str]:
    """The parts that results have."""
    return {run.series for run in results.runs}


def _lasting(about: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in about.items() if key not in _OF_A_RUN}
