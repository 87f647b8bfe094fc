# SPDX-License-Identifier: Apache-2.0
"""Who takes part in keeping a set of objects, and what each is called with: a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.objects import NAMESPACE, Files
from bench.places import Command, Contender, Place, playbook
from bench.tools import ROOT, programs

CONNECTIONS = "8"
#: The steps of a life, in this order: what is measured, and the state of the files that each brings about.
STEPS = {"create": "created", "unchanged": "created", "plan": "changed", "change": "changed", "prune": "pruned"}


@dataclass(frozen=True)
class Scene(Place):
    """Where a set of objects is kept: the place, and the files."""

    files: Files

    def prepare(self) -> None:
        """Write what contenders read."""
        super().prepare()
        for state in set(STEPS.values()):
            declared = {"name": "bench", "namespace": NAMESPACE, "objects_from": str(self.files.yaml(state))}
            self.declaration(state).write_text(json.dumps(declared), encoding="utf-8")

    def declaration(self, state: str) -> Path:
        """Our declaration of a state."""
        return self.directory / f"{state}.json"


def _core(scene: Scene, step: str) -> Command:
    command = [programs()["python"], str(ROOT / "bench" / "core.py"), str(scene.granted), scene.context]
    check = ["--check"] if step == "plan" else []
    return [*command, "config_set", str(scene.declaration(STEPS[step])), *check]


def _playbook(name: str) -> Callable[[Scene, str], Command]:
    def command(scene: Scene, step: str) -> Command:
        check = ["--check", "--diff"] if step == "plan" else []
        return playbook(name, {"file": scene.files.yaml(STEPS[step])}, *check)

    return command


def _kubectl(scene: Scene, step: str) -> Command:
    verb = ["diff", "--server-side"] if step == "plan" else ["apply", "--server-side"]
    return [programs()["kubectl"], *verb, f"--filename={scene.files.yaml(STEPS[step])}"]


def _kubectl_set(scene: Scene, step: str) -> Command:
    arguments = ["--server-side", "--prune", "--applyset=bench", f"--namespace={NAMESPACE}"]
    return [programs()["kubectl"], "apply", *arguments, f"--filename={scene.files.yaml(STEPS[step])}"]


def _helm(program: str) -> Callable[[Scene, str], Command]:
    def command(scene: Scene, step: str) -> Command:
        chart = str(scene.files.chart(STEPS[step]))
        return [programs()[program], "upgrade", "--install", "bench", chart, f"--namespace={NAMESPACE}"]

    return command


def _flux(scene: Scene, step: str) -> Command:
    earlier = [str(scene.files.yaml("changed"))] if step == "prune" else []
    return [programs()["fluxssa"], scene.context, str(scene.files.yaml(STEPS[step])), *earlier]


def _floor(*program: str) -> Callable[[Scene, str], Command]:
    def command(scene: Scene, _step: str) -> Command:
        return [*program, str(scene.credentials), str(scene.files.requests), CONNECTIONS]

    return command


OURS, OURS_PLAYBOOK = "meshops.mesh (core)", "meshops.mesh (ansible-playbook)"
KUBECTL, CORE_K8S = "kubectl apply --server-side", "kubernetes.core.k8s (ansible-playbook)"
FLOOR, FLOOR_PYTHON = "floor: PATCH, 8 connections (Go)", "floor: PATCH, 8 connections (Python)"
KUBECTL_DIFF, KUBECTL_SET = "kubectl diff --server-side", "kubectl apply --prune --applyset"
HELM, HELM3, FLUX = "helm 4 upgrade --install", "helm 3 upgrade --install", "fluxcd/pkg/ssa"

_LIFE = ("create", "unchanged", "change", "prune")
_ALL = ("create", "unchanged", "plan", "change", "prune")


def contenders() -> list[Contender[Scene]]:
    """Everyone, in the order of a round."""
    python = programs()["python"]
    return [
        Contender(FLOOR, _floor(programs()["floor"]), ("create",)),
        Contender(FLOOR_PYTHON, _floor(python, str(ROOT / "bench" / "floor.py")), ("create",)),
        Contender(OURS, _core, _ALL, granted=True),
        Contender(OURS_PLAYBOOK, _playbook("ours.yml"), _ALL, granted=True),
        Contender(CORE_K8S, _playbook("kubernetes_core.yml"), ("create", "unchanged", "plan", "change")),
        Contender(KUBECTL, _kubectl, ("create", "unchanged", "plan", "change"), {"plan": (1,)}),
        Contender(KUBECTL_SET, _kubectl_set, ("create", "prune"), env={"KUBECTL_APPLYSET": "true"}),
        Contender(HELM, _helm("helm"), _LIFE),
        Contender(HELM3, _helm("helm3"), _LIFE),
        Contender(FLUX, _flux, _LIFE),
    ]
