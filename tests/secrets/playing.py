# SPDX-License-Identifier: Apache-2.0
"""Plays of the cases, and one run of ansible-playbook with everything that could be seen of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .canaries import Canaries
from .cases import Case
from .observing import Observer

#: Seconds of one run.
_TIMEOUT = 240
_CODE = "{{ result.error.code | default('changed' if result.changed else 'unchanged') }}"


@dataclass(frozen=True)
class Played:
    """One run: its end, how each case ended, and where canaries were (place, canary and spelling)."""

    code: int
    outcomes: Mapping[str, str]
    seen: set[tuple[str, str]]
    programs: set[str]
    output: str
    directory: Path


def play(found: Iterable[Case], more: Iterable[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    """A play whose text holds no secret: the options come from the variable ``given``. After each task its registered
    result is shown, as people do who look for an error. Tasks ``more`` come last."""
    tasks: list[dict[str, Any]] = []
    for case in found:
        options = {key: f"{{{{ given['{case.name}']['{key}'] }}}}" for key in case.arguments}
        task = {"name": case.name, f"meshops.mesh.{case.module}": options, "register": "result", "ignore_errors": True}
        tasks += [
            {**task, **_keywords(case)},
            {"name": "show", "ansible.builtin.debug": {"var": "result"}},
            {
                "name": "note",
                "ansible.builtin.set_fact": {
                    "outcomes": f"{{{{ outcomes | combine({{'{case.name}': {_bare(_CODE)}}}) }}}}"
                },
            },
        ]
    tasks += more
    tasks.append({"name": "tell", "ansible.builtin.copy": _written("outcomes"), "check_mode": False})
    return [{"hosts": "localhost", "gather_facts": False, "vars": {"outcomes": {}}, "tasks": tasks}]


def _keywords(case: Case) -> dict[str, Any]:
    environment = case.task.get("environment")
    given = {key: f"{{{{ given_environment['{key}'] }}}}" for key in environment} if environment else {}
    return {**case.task, **({"environment": given} if given else {})}


def _bare(expression: str) -> str:
    return expression.removeprefix("{{").removesuffix("}}").strip()


def _written(variable: str) -> dict[str, str]:
    return {"content": f"{{{{ {variable} | to_json }}}}", "dest": "{{ told }}", "mode": "0600"}


class Player:
    """Runs plays in a home of their own, observed."""

    def __init__(self, canaries: Canaries, directory: Path, kubernetes: Mapping[str, str]) -> None:
        self._canaries, self._directory, self._extra = canaries, directory, kubernetes

    def __call__(
        self,
        content: list[dict[str, Any]],
        variables: Mapping[str, Any],
        *arguments: str,
        interrupt: Callable[[], object] | None = None,
        **environment: str,
    ) -> Played:
        """``interrupt`` returns when the run is to get SIGINT."""
        run = self._directory / f"run-{len(list(self._directory.iterdir()))}"
        # The input is not among what is looked at: it has the canaries by design.
        inputs, watched = run / "inputs", run / "watched"
        for name in ("home", "tmp", "cache", "junit", "told"):
            (watched / name).mkdir(parents=True)
        inputs.mkdir(mode=0o700)
        (inputs / "play.json").write_text(json.dumps(content))
        told = watched / "told" / "outcomes.json"
        (inputs / "variables.json").write_text(json.dumps({**variables, "told": str(told)}))
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{inputs / 'variables.json'}"]
        settings = {
            "HOME": str(watched / "home"),
            "TMPDIR": str(watched / "tmp"),
            "XDG_CACHE_HOME": str(watched / "cache"),
            "ANSIBLE_HOME": str(watched / "home" / ".ansible"),
            "ANSIBLE_REMOTE_TEMP": str(watched / "home" / ".ansible" / "remote"),
            "ANSIBLE_LOG_PATH": str(watched / "ansible.log"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
            "JUNIT_OUTPUT_DIR": str(watched / "junit"),
            "ANSIBLE_NOCOLOR": "1",
        }
        # To files, because a full pipe would stop the run, and files are looked at anyway.
        with (watched / "stdout").open("wb") as out, (watched / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [*command, str(inputs / "play.json"), *arguments],
                env={**os.environ, **self._extra, **settings, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            observer = Observer(self._canaries, process.pid, [watched])
            observer.start()
            try:
                if interrupt:
                    interrupt()
                    os.killpg(process.pid, signal.SIGINT)
                code = process.wait(_TIMEOUT)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                observer.stop()
        outcomes = json.loads(told.read_text()) if told.exists() else {}
        output = (watched / "stdout").read_text() + (watched / "stderr").read_text()
        return Played(code, outcomes, observer.seen, observer.programs, output, watched)
