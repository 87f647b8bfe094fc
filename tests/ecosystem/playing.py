# SPDX-License-Identifier: Apache-2.0
"""A playbook of ours that needs no cluster, and what came of it: to compare one who runs playbooks with another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.examples.away import AWAY, SET, tasks

#: Two modules are enough: that each of them runs is for tests/unit/examples/test_away.py.
ASKED = ("config_set", "mesh_info")
#: How tasks run, and the variable meshops_in_process for it.
WAYS = {"here": True, "as_module": False}
#: What Ansible itself adds to a result, with other words or none.
_ANSIBLES = frozenset({"exception", "warnings"})
_TIMEOUT = 300

_MESH = {
    "plugin": "meshops.mesh.declaration",
    "clusters": {"onprem": {"context": "onprem", "network": "onprem-net"}},
    "injection": [{"namespaces": ["shop"]}],
    "config_set": [SET],
}


@dataclass(frozen=True)
class Played:
    """The results of the tasks, by module and by way, and the files that were rendered."""

    results: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, str]

    def codes(self) -> set[str]:
        """What was told of the cluster that is away."""
        return {result.get("error", {}).get("code", str(result)) for result in self.results.values()}


def play(directory: Path, runner: list[str], env: Mapping[str, str]) -> Played:
    """Has ``runner`` play it in that directory, which it makes."""
    directory.mkdir()
    (directory / "mesh.yaml").write_text(yaml.safe_dump(_MESH), encoding="utf-8")
    (directory / "play.yml").write_text(yaml.safe_dump(_playbook()), encoding="utf-8")
    command = [*runner, "play.yml", "-i", "mesh.yaml", "-e", "render_dest=rendered"]
    done = subprocess.run(
        command, cwd=directory, env=dict(env), capture_output=True, text=True, check=False, timeout=_TIMEOUT
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Traceback" not in output, output
    rendered = directory / "rendered"
    told = json.loads((directory / "results.json").read_text(encoding="utf-8")).items()
    return Played(
        results={name: {key: value for key, value in result.items() if key not in _ANSIBLES} for name, result in told},
        files={str(path.relative_to(rendered)): path.read_text() for path in rendered.rglob("*") if path.is_file()},
    )


def _playbook() -> list[dict[str, Any]]:
    asked = [
        {**task, "register": f"{module}_{way}", "ignore_errors": True, "vars": {"meshops_in_process": in_process}}
        for way, in_process in WAYS.items()
        for task in tasks()
        if (module := task["name"]) in ASKED
    ]
    names = [str(task["register"]) for task in asked]
    content = f"{{{{ {{{', '.join(f'{name!r}: {name}' for name in names)}}} | to_json }}}}"
    written = {"content": content, "dest": "{{ playbook_dir }}/results.json", "mode": "0600"}
    return [
        {"import_playbook": "meshops.mesh.render"},
        {
            "name": "A cluster that is away",
            "hosts": "mesh_clusters",
            "gather_facts": False,
            "module_defaults": {"group/meshops.mesh.mesh": AWAY},
            "tasks": [*asked, {"name": "Results", "ansible.builtin.copy": written}],
        },
    ]
