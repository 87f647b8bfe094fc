# SPDX-License-Identifier: Apache-2.0
"""Inventories as Ansible itself reads them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def listed(*paths: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `ansible-inventory --list` says of files."""
    command = ["ansible-inventory", *(part for path in paths for part in ("-i", str(path))), "--list"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, **environment}
    )


def read(*paths: Path, **environment: str) -> dict[str, Any]:
    """The inventory of files that have to be right."""
    done = listed(*paths, **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = plain(json.loads(done.stdout))
    return found


def plain(value: Any) -> Any:
    """Without the marks by which Ansible tells texts that are no templates."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return value.get("__ansible_unsafe", {key: plain(item) for key, item in value.items()})
    return value
