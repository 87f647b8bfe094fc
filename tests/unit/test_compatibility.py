# SPDX-License-Identifier: Apache-2.0
"""The oldest and the newest that are tried are those that are promised, and what is tried is what the document says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "compatibility.md"
_LINE = re.compile(r"^([A-Za-z][\w.-]*)[=>]=([\w.]+)", re.MULTILINE)
#: By file the packages of which docs/compatibility.md tells the version.
TOLD = {
    "test": ("ansible-core", "ansible-lint", "molecule"),
    "runtime": ("kubernetes",),
    "tools/docs": ("antsibull-docs",),
    "tools/execution-environment": ("ansible-builder",),
    "tools/galaxy": ("galaxy-importer",),
    "tools/navigator": ("ansible-navigator",),
    "tools/newest": ("ansible-core", "kubernetes", "mitogen"),
    "tools/oldest": ("ansible-core", "kubernetes"),
}


def versions(file):
    """Package -> the versions that a file names."""
    found: dict[str, set[str]] = {}
    for name, version in _LINE.findall((ROOT / file).read_text()):
        found.setdefault(name, set()).add(version)
    return found


def test_the_oldest_libraries_are_the_lower_bounds():
    promised = versions("meta/ee-requirements.txt")
    assert promised.items() <= versions("requirements/tools/oldest.txt").items()


def test_the_oldest_core_is_the_lower_bound():
    promised = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    (tried,) = versions("requirements/tools/oldest.txt")["ansible-core"]
    assert promised == f">={tried.rpartition('.')[0]}.0"


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in TOLD.items() for name in names])
def test_the_document_tells_what_is_tried(file, name):
    (told,) = re.findall(rf"^\| {name} \| (.*?) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert versions(f"requirements/{file}.txt")[name] <= set(told.split(", "))
