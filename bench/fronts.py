# SPDX-License-Identifier: Apache-2.0
"""Part d: a control plane and 300 resources in its mesh, by `pulumi up` and by a playbook."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2_grpc

from bench import control_plane
from bench.objects import NAMESPACE, Files, istio
from bench.observing import Turn, attempt
from bench.places import GRANTED, Command, Contender, Place, playbook, taking_part
from bench.progress import Clock
from bench.results import Calibration, Results
from bench.subject import CALIBRATION, Subject
from bench.tools import ROOT, WORK, programs
from lab.engine import prepare
from lab.errors import LabError

SERIES = "d"
OBJECTS = 300
#: What is measured, and the state of the files that it brings about.
STEPS = {"first": "created", "again": "created", "other": "changed"}
PULUMI, PLAYBOOK = "meshops.mesh (pulumi up)", "meshops.mesh (ansible-playbook)"
KUBERNETES, PLUGIN = "pulumi-kubernetes (pulumi up)", "pulumi-resource-kubernetes"
_BUDGET, _STARTS = 480.0, 5


@dataclass(frozen=True)
class Program(Place):
    """What both fronts read, and the engine."""

    files: Files
    kubernetes_version: str

    def prepare(self) -> None:
        """Write it, and the stacks' directory."""
        super().prepare()
        prepare(self.directory)
        for state in set(STEPS.values()):
            told = {"plane": control_plane.declaration(), "kubernetes_version": self.kubernetes_version}
            told["objects_from"] = str(self.files.yaml(state))
            (self.directory / f"{state}.json").write_text(json.dumps(told), encoding="utf-8")

    def forget(self) -> None:
        """No stack knows of anything."""
        shutil.rmtree(self.directory / "state")
        prepare(self.directory)


def _up(way: str, *, granted: bool) -> Contender[Program]:
    def command(place: Program, step: str) -> Command:
        kubeconfig = str(place.granted if granted else place.kubeconfig)
        where = [str(place.directory), kubeconfig, place.context, str(place.directory / f"{STEPS[step]}.json")]
        return [programs()["python"], str(ROOT / "bench" / "stack.py"), way, *where]

    return Contender(PULUMI if way == "mesh" else KUBERNETES, command, tuple(STEPS), granted=granted)


def _playbook(place: Program, step: str) -> Command:
    variables: dict[str, str | Path] = {
        "": f"@{place.directory / f'{STEPS[step]}.json'}",
        "file": place.files.yaml(STEPS[step]),
    }
    return playbook("both.yml", variables)


def contenders() -> list[Contender[Program]]:
    """Everyone who is here, in the order of a round."""
    ours = [_up("mesh", granted=True), Contender(PLAYBOOK, _playbook, tuple(STEPS), granted=True)]
    return [*ours, *([_up("kubernetes", granted=False)] if shutil.which(PLUGIN) else [])]


def planned(named: Sequence[str]) -> int:
    """Measurements of one round."""
    return sum(len(one.steps) for one in taking_part(contenders(), named))


def run(subject: Subject, results: Results, rounds: int, named: Sequence[str], clock: Clock) -> None:
    """Everyone from an empty cluster on, then all of them again. Leaves no mesh."""
    files = Files(WORK / SERIES, istio(OBJECTS)).write()
    place = Program(WORK / SERIES, {subject.name: subject.access()}, files, subject.kubernetes)
    place.prepare()
    results.notes[SERIES] = {"objects": OBJECTS, "starts": [provider_starts() for _ in range(_STARTS)]}
    if not shutil.which(PLUGIN):
        results.notes[SERIES]["left_out"] = f"{KUBERNETES} is left out: there is no {PLUGIN} on PATH."
        clock.say(results.notes[SERIES]["left_out"])
    control_plane.uninstall(subject)
    declared = {"name": "bench", "namespace": NAMESPACE, "objects": files.objects}
    roles = subject.grants.derived([{"control_plane": control_plane.declaration()}, {"config_set": declared}], GRANTED)
    started = time.monotonic()
    for number in range(1, rounds + 1):
        if clock.over(SERIES, number - 1, started, _BUDGET):
            break
        results.calibrations.append(Calibration(SERIES, number, subject.calibrate(), CALIBRATION))
        for contender in taking_part(contenders(), named):
            control_plane.uninstall(subject)
            subject.empty()
            subject.grants.grant(roles)
            place.forget()
            for step in contender.steps:
                subject.settle()
                result = attempt(Turn(SERIES, step, number, timeout=300), contender, place, [subject], results, clock)
                if result is None or not _right(subject, contender, step, results):
                    break
    control_plane.uninstall(subject)
    subject.empty()


def _right(subject: Subject, contender: Contender[Program], step: str, results: Results) -> bool:
    """Whether as many objects are there as should be."""
    subject.admin.forget_kinds()
    found = subject.objects()
    if found != OBJECTS:
        error = LabError(f"{found} objects are there instead of {OBJECTS}")
        results.fail(SERIES, f"{contender.name}, {step}", error)
    return found == OBJECTS


def provider_starts() -> float:
    """Seconds until a new provider answers its first call."""
    started = time.monotonic()
    command = [sys.executable, "-m", "pulumi_mesh.provider"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty(), timeout=30)
            return time.monotonic() - started
        finally:
            process.terminate()
