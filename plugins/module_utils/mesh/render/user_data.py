# SPDX-License-Identifier: Apache-2.0
"""User data by which cloud-init joins a machine to the mesh at its first boot (cloudinit.readthedocs.io)."""

from __future__ import annotations

import base64
import gzip
import inspect
import json
from collections.abc import Mapping
from typing import Any

from ..model.specs.vm_bootstrap import VmPackage
from . import first_boot, guard, host_layout

try:
    import yaml
except ImportError:  # Ansible loads this file on hosts that need not have PyYAML
    yaml = None  # type: ignore[assignment]

_PROGRAM = f"{first_boot.HERE}/first_boot.py"
_ROOTS = {"owner": "root", "group": "root"}
_BEGIN, _END = "# meshops.mesh: begin", "# meshops.mesh: end"


def user_data(files: Mapping[str, str], package: VmPackage, ports: list[int]) -> str:
    """``#cloud-config`` with the files of a host; ``ports`` are those by which SSH comes in. It holds the token."""
    asked = {
        "agent": host_layout.AGENT,
        "record": host_layout.RECORD,
        "trees": list(host_layout.TREES),
        "parents": list(host_layout.PARENTS),
        "package": {"url": package.url, "sha256": package.sha256.removeprefix("sha256:")},
        "files": [*host_layout.placed(files), *_own(ports)],
        "hosts": f"{_BEGIN}\n{files['hosts']}{_END}\n",
    }
    written = {_PROGRAM: inspect.getsource(first_boot), first_boot.ASKED: json.dumps(asked)}
    config = {
        "write_files": [_file(path, text) for path, text in written.items()],
        "runcmd": [["python3", _PROGRAM]],
    }
    return f"#cloud-config\n{yaml.safe_dump(config, sort_keys=False)}"


def _own(ports: list[int]) -> list[dict[str, Any]]:
    text = host_layout.drop_in(" ".join(map(str, ports)))
    return [
        {"path": host_layout.GUARD, "content": guard.GUARD, **_ROOTS, "mode": "0600"},
        {"path": host_layout.DROP_IN, "content": text, **_ROOTS, "mode": "0644"},
    ]


def _file(path: str, text: str) -> dict[str, str]:
    """Packed, as clouds take 16 kB and no more; without a time, so that the same stays the same."""
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return {"path": path, "permissions": "0600", "encoding": "gz+b64", "content": packed}
