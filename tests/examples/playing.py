# SPDX-License-Identifier: Apache-2.0
"""Runs examples by ansible-playbook, each in check mode and then for real, and looks at what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .documented import COLLECTION, ours, returns
from .returned import complaints

Task = dict[str, Any]

#: Seconds of one run.
_TIMEOUT = 900


@dataclass(frozen=True)
class Stage:
    """Where examples are played: a cluster, what these options are unless an example says otherwise (by module), and
    variables and files that the examples speak of."""

    connection: Mapping[str, Any]
    defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    within: Sequence[str] = ()  # a program that starts another one, given behind it, where it may do as it likes


@dataclass(frozen=True)
class Played:
    """What a task told in check mode, and what it did; None where it did not run twice."""

    task: Task
    told: Mapping[str, Any]
    done: Mapping[str, Any] | None = None

    def complaints(self) -> Iterator[str]:
        """Failures, results that are not as documented, a plan that the run did not keep to."""
        module = ours(self.task)
        for mode, result in (("check mode", self.told), ("run", self.done)):
            if result is None:
                continue
            found = [str(result.get("msg"))] if result.get("failed") else []
            if module and not result.get("skipped"):
                options = self.task[f"{COLLECTION}.{module}"] or {}
                found += complaints(result, returns(module), options.get("state", "present"))
            yield from (f"{self.task['name']}, {mode}: {text}" for text in found)
        if module and self.done is not None:
            for key in ("changed", "objects"):
                if self.told.get(key) != self.done.get(key):
                    yield f"{self.task['name']}: check mode told other {key} than came of it"


def play_twice(tasks: Sequence[Task], stage: Stage, directory: Path) -> list[Played]:
    """Each task in check mode and then for real, before the next one."""
    doubled: list[Task] = []
    for number, task in enumerate(tasks):
        doubled += [
            {**task, "check_mode": True, "diff": True, "register": f"told_{number}"},
            {"register": f"done_{number}", **task},
        ]
    results = _results(doubled, stage, directory)
    return [Played(task, *results[2 * number : 2 * number + 2]) for number, task in enumerate(tasks)]


def play_check(tasks: Sequence[Task], stage: Stage, directory: Path) -> list[Played]:
    """All tasks with --check, so that none finds what another one made; as modules, not in Ansible's own process."""
    registered = [{"register": f"told_{number}", **task} for number, task in enumerate(tasks)]
    as_modules = {**stage.variables, "meshops_in_process": False}
    found = _results(registered, stage, directory, as_modules, "--check", "--diff")
    return [Played(task, result) for task, result in zip(tasks, found, strict=True)]


def _results(
    tasks: Sequence[Task], stage: Stage, directory: Path, variables: Mapping[str, Any] | None = None, *arguments: str
) -> list[dict[str, Any]]:
    """The result of each task; a task that fails stops nothing."""
    for name, text in stage.files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    names = [task["register"] for task in tasks]
    content = f"{{{{ [{', '.join(names)}] | to_json }}}}"
    written = {"content": content, "dest": str(directory / "results.json"), "mode": "0600"}
    defaults = {f"{COLLECTION}.{module}": dict(options) for module, options in stage.defaults.items()}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {f"group/{COLLECTION}.mesh": dict(stage.connection), **defaults},
        "vars": {**(stage.variables if variables is None else variables)},
        "tasks": [
            *({**task, "ignore_errors": True} for task in tasks),
            {"name": "Results", "ansible.builtin.copy": written, "check_mode": False, "diff": False},
        ],
    }
    (directory / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    command = [*stage.within, "ansible-playbook", "-i", "localhost,", "-c", "local", "play.json", *arguments]
    settings = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
    env = {**os.environ, **settings}
    done = subprocess.run(
        command, cwd=directory, env=env, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Traceback" not in output, output
    found: list[dict[str, Any]] = json.loads((directory / "results.json").read_text(encoding="utf-8"))
    return found
