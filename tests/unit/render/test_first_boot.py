# SPDX-License-Identifier: Apache-2.0
"""What a machine notes of itself at its first boot, by which it leaves the mesh as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from mesh.render import first_boot, host_layout

ROLE = Path(__file__).resolve().parents[3] / "roles" / "vm_workload" / "vars" / "main.yml"


def test_the_role_looks_at_the_same_places():
    said = yaml.safe_load(ROLE.read_text(encoding="utf-8"))
    assert {item["path"] for item in said["vm_workload_trees"]} == set(host_layout.TREES)
    assert all(repr(path) in said["vm_workload_looks"] for path in host_layout.PARENTS)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_directories_are_noted_with_whose_they_are(tmp_path):
    theirs, link, file = (tmp_path / name for name in ("theirs", "link", "file"))
    theirs.mkdir(0o750)
    os.chown(theirs, 1234, 5678)
    link.symlink_to(theirs)
    file.touch()
    asked = {
        "record": str(tmp_path / "own" / "record.json"),
        "agent": "istio-proxy",
        "trees": [str(theirs), str(link), str(tmp_path / "none")],
        "parents": [str(file)],
    }
    first_boot.record(asked)
    told = json.loads(Path(asked["record"]).read_text(encoding="utf-8"))
    assert told["paths"] == [str(theirs), str(link), str(file)]
    assert told["directories"] == [{"path": str(theirs), "mode": "0750", "owner": "1234", "group": "5678"}]
    theirs.chmod(0o700)
    first_boot.record(asked)
    assert json.loads(Path(asked["record"]).read_text(encoding="utf-8")) == told, "what it was like at first counts"
