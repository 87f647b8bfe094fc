# SPDX-License-Identifier: Apache-2.0
"""Part c: one playbook run over many clusters (API servers), with the configuration as it is shipped."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.objects import NAMESPACE, Files, config_maps
from bench.observing import Turn, attempt
from bench.places import Command, Contender, Place
from bench.progress import Clock
from bench.results import Results
from bench.subject import Subject
from bench.tools import WORK, programs

SERIES = "c"
NUMBERS = (1, 2, 5, 10, 20)
STEPS = ("create", "unchanged")
OBJECTS = 100
SHIPPED, MORE_FORKS = "as shipped", "with --forks 20"
_BUDGET = 130.0


def names(count: int) -> list[str]:
    """The lab's clusters that take part."""
    return [f"api-{number}" for number in range(1, count + 1)]


@dataclass(frozen=True)
class Fleet(Place):
    """An inventory of several clusters."""

    files: Files

    def prepare(self) -> None:
        """Write it, in the words of the collection's own example."""
        super().prepare()
        objects = f"{{{{ lookup('ansible.builtin.file', '{self.files.yaml('created')}') | from_yaml_all }}}}"
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "mesh_kubeconfig": str(self.granted),
            "mesh_context": "{{ inventory_hostname }}",
            "config_set_list": [{"name": "bench", "namespace": NAMESPACE, "objects": objects}],
        }
        for count in NUMBERS:
            if count <= len(self.contexts):
                hosts: dict[str, None] = dict.fromkeys(names(count))
                inventory = {"mesh_clusters": {"hosts": hosts, "vars": variables}}
                (self.directory / f"{count}.json").write_text(json.dumps(inventory), encoding="utf-8")

    def grant(self, subject: Subject) -> None:
        """What the site needs on a cluster."""
        subject.grant({"config_set": {"name": "bench", "namespace": NAMESPACE, "objects": self.files.objects}})


def _site(*flags: str) -> Contender[Fleet]:
    def command(fleet: Fleet, step: str) -> Command:
        inventory = fleet.directory / f"{step.split()[1]}.json"
        return [programs()["ansible-playbook"], f"--inventory={inventory}", *flags, "meshops.mesh.site"]

    return Contender(MORE_FORKS if flags else SHIPPED, command, STEPS, granted=True)


def contenders(count: int) -> list[Contender[Fleet]]:
    """The shipped configuration, and what a user may add where it makes a difference."""
    return [_site()] if count <= 5 else [_site(), _site("--forks=20")]


def planned(numbers: Sequence[int]) -> int:
    """Measurements of one round."""
    return sum(len(STEPS) * len(contenders(count)) for count in numbers)


def run(numbers: Sequence[int], results: Results, rounds: int, clock: Clock) -> None:
    """Every number of clusters once, then all of them again."""
    with ThreadPoolExecutor(4) as pool:
        subjects = list(pool.map(Subject, names(max(numbers))))
    contexts = {subject.name: subject.access() for subject in subjects}
    fleet = Fleet(WORK / SERIES, contexts, Files(WORK / SERIES, config_maps(OBJECTS)).write())
    fleet.prepare()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fleet.grant, subjects))
    started = time.monotonic()
    for number in range(1, rounds + 1):
        if clock.over(SERIES, number - 1, started, _BUDGET):
            break
        for count in numbers:
            for contender in contenders(count):
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(Subject.empty, subjects[:count]))
                for step in STEPS:
                    attempt(Turn(SERIES, f"{step} {count}", number), contender, fleet, subjects[:count], results, clock)
