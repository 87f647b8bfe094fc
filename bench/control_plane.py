# SPDX-License-Identifier: Apache-2.0
"""Part b: istiod from nothing to ready, and again when nothing is to be done."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from mesh.apply.engine import run as run_operation
from mesh.model.errors import MeshError
from mesh.model.options import Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from mesh.render.values import merged

from bench.contenders import CONNECTIONS
from bench.objects import path as path_of
from bench.observing import Turn, attempt
from bench.places import GRANTED, HOME, Command, Contender, Place, playbook, taking_part
from bench.progress import Clock
from bench.results import Calibration, Results
from bench.subject import CALIBRATION, Subject
from bench.tools import ROOT, WORK, helmfile, programs
from demo.run import LAB_VALUES
from lab import state
from lab.errors import LabError

SERIES = "b"
#: From nothing; again; and again without our cache of rendered objects.
STEPS = ("fresh", "unchanged", "cold")
OURS, OURS_PLAYBOOK = "meshops.mesh (core)", "meshops.mesh (ansible-playbook)"
FLOOR, ISTIOCTL = "floor: PATCH, then wait", "istioctl install"
HELM, HELMFILE = "helm 4 upgrade --install --wait, base and istiod", "helmfile sync"

_NAMESPACE = "istio-system"
_BUDGET = 600.0
_BEHAVES, _LOOK = 60.0, 0.02


def declaration() -> dict[str, Any]:
    """Our declaration of a control plane that runs on the lab's node."""
    lab = state.load()
    values = merged(LAB_VALUES, lab.istio_values)
    charts = {"repository": lab.chart_repository, "plain_http": True}
    return {"version": lab.istio_version, "charts": charts, "values": values}


def ensure(subject: Subject) -> None:
    """istiod is there, and its webhooks are asked."""
    operation = OPERATIONS["control_plane"]
    spec = parse(operation.spec, declaration())
    run_operation(operation, spec, subject.admin, RunOptions(), Mode(), lambda _line: None)
    _await_behaviour(subject)


def _await_behaviour(subject: Subject) -> None:
    deadline = time.monotonic() + _BEHAVES
    while not subject.behaves():
        if time.monotonic() > deadline:
            raise LabError(f"istiod does not inject or validate after {_BEHAVES:.0f} s.")
        time.sleep(_LOOK)


@dataclass(frozen=True)
class Installation(Place):
    """What the installers read."""

    def prepare(self) -> None:
        """Write the same control plane in everyone's words."""
        super().prepare()
        lab, declared = state.load(), declaration()
        self.file("declaration.json").write_text(json.dumps(declared), encoding="utf-8")
        self.file("variables.json").write_text(json.dumps({"declaration": declared}), encoding="utf-8")
        self._yaml("values.yaml", declared["values"])
        hub = {"profile": "minimal", "hub": "docker.io/istio", "tag": lab.istio_version}
        operator = {"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator"}
        self._yaml("operator.yaml", {**operator, "spec": {**hub, "values": _operator_values(declared["values"])}})
        base = {"namespace": _NAMESPACE, "version": lab.istio_version}
        istiod = {"needs": [f"{_NAMESPACE}/istio-base"], "wait": True, "values": [str(self.file("values.yaml"))]}
        releases: list[dict[str, Any]] = [
            {"name": "istio-base", "chart": "lab/base", **base},
            {"name": "istiod", "chart": "lab/istiod", **base, **istiod},
        ]
        repositories = [{"name": "lab", "url": lab.chart_repository}]
        self._yaml("helmfile.yaml", {"repositories": repositories, "releases": releases})
        self._requests()

    def file(self, name: str) -> Path:
        """One of them."""
        return self.directory / name

    def chart(self, name: str) -> Command:
        """How helm is told of a chart."""
        lab = state.load()
        return [name, f"--repo={lab.chart_repository}", f"--version={lab.istio_version}", f"--namespace={_NAMESPACE}"]

    def _yaml(self, name: str, content: Any) -> None:
        self.file(name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def _requests(self) -> None:
        """The rendered objects for the floor: definitions and namespace, then all else."""
        objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}}, *self._rendered()]
        early = ("CustomResourceDefinition", "Namespace")
        for name, first in (("first", True), ("then", False)):
            lines = [f"{path_of(obj)} {json.dumps(obj)}\n" for obj in objects if (obj["kind"] in early) is first]
            self.file(name).write_text("".join(lines), encoding="utf-8")

    def _rendered(self) -> Iterator[dict[str, Any]]:
        for chart in ("base", "istiod"):
            command = [programs()["helm"], "template", "--include-crds", f"--values={self.file('values.yaml')}"]
            text = subprocess.run([*command, chart, *self.chart(chart)], check=True, capture_output=True).stdout
            yield from (obj for obj in yaml.load_all(text, Loader=yaml.CSafeLoader) if obj)


def _operator_values(values: dict[str, Any]) -> dict[str, Any]:
    """Values of the chart `istiod` as istioctl wants them: what is istiod's own lies under `pilot`."""
    own = {key: value for key, value in values.items() if key in ("autoscaleEnabled", "resources")}
    return merged({key: value for key, value in values.items() if key not in own}, {"pilot": own})


def _core(place: Installation, _step: str) -> Command:
    program = [programs()["python"], str(ROOT / "bench" / "core.py"), str(place.granted), place.context]
    return [*program, "control_plane", str(place.file("declaration.json"))]


def _playbook(place: Installation, _step: str) -> Command:
    return playbook("control_plane.yml", {"": f"@{place.file('variables.json')}"})


def _floor(place: Installation, _step: str) -> Command:
    calls = [
        [programs()["floor"], str(place.credentials), str(place.file(name)), CONNECTIONS] for name in ("first", "then")
    ]
    return _one_after_the_other(*calls)


def _istioctl(place: Installation, _step: str) -> Command:
    return [programs()["istioctl"], "install", "--skip-confirmation", f"--filename={place.file('operator.yaml')}"]


def _helm(place: Installation, _step: str) -> Command:
    upgrade = [programs()["helm"], "upgrade", "--install"]
    base = [*upgrade, "--create-namespace", "istio-base", *place.chart("base")]
    return _one_after_the_other(
        base, [*upgrade, "--wait", f"--values={place.file('values.yaml')}", "istiod", *place.chart("istiod")]
    )


def _helmfile(place: Installation, _step: str) -> Command:
    return [helmfile(), f"--file={place.file('helmfile.yaml')}", f"--helm-binary={programs()['helm']}", "sync"]


def _one_after_the_other(*commands: Command) -> Command:
    return ["sh", "-c", " && ".join(map(shlex.join, commands))]


def contenders() -> list[Contender[Installation]]:
    """Everyone, in the order of a round."""
    both = ("fresh", "unchanged")
    return [
        Contender(FLOOR, _floor, ("fresh",)),
        Contender(OURS, _core, STEPS, granted=True),
        Contender(OURS_PLAYBOOK, _playbook, both, granted=True),
        Contender(ISTIOCTL, _istioctl, both),
        Contender(HELM, _helm, both),
        Contender(HELMFILE, _helmfile, both),
    ]


def planned(named: Sequence[str]) -> int:
    """Measurements of one round."""
    return sum(len(one.steps) for one in taking_part(contenders(), named))


def run(subject: Subject, results: Results, rounds: int, named: Sequence[str], clock: Clock) -> None:
    """Everyone installs and repeats it, then all of them again. Leaves no mesh."""
    place = Installation(WORK / SERIES, {subject.name: subject.access()})
    place.prepare()
    uninstall(subject)
    roles = subject.grants.derived([{"control_plane": declaration()}], GRANTED)
    everyone, started = taking_part(contenders(), named), time.monotonic()
    if any(one.name == HELMFILE for one in everyone):
        helmfile()
    for number in range(1, rounds + 1):
        if clock.over(SERIES, number - 1, started, _BUDGET):
            break
        results.calibrations.append(Calibration(SERIES, number, subject.calibrate(), CALIBRATION))
        for contender in everyone:
            uninstall(subject)
            subject.grants.grant(roles)
            for step in contender.steps:
                subject.settle()
                if step == "cold":
                    shutil.rmtree(HOME / ".cache" / "meshops", ignore_errors=True)
                # Not everyone waits until the mesh does what it is there for.
                behaves = partial(_await_behaviour, subject) if step == "fresh" else None
                turn = Turn(SERIES, step, number, behaves=behaves)
                if attempt(turn, contender, place, [subject], results, clock) is None:
                    break
    uninstall(subject)


# -- and away again -------------------------------------------------------------------------------------------------

_GLOBAL = (
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
)
_IN_NAMESPACE = (("apps/v1", "Deployment"), ("apps/v1", "ReplicaSet"), ("v1", "Pod"))


def uninstall(subject: Subject) -> None:
    """Remove Istio, whoever installed it; returns when nothing of it is left."""
    cluster = subject.admin
    cluster.forget_kinds()
    for api_version, kind in _GLOBAL:
        for obj in cluster.list(api_version, kind):
            if "istio" in obj["metadata"]["name"]:
                _delete(subject, api_version, kind, "", obj["metadata"]["name"])
    for api_version, kind in _IN_NAMESPACE:
        for obj in cluster.list(api_version, kind, _NAMESPACE):
            _delete(subject, api_version, kind, _NAMESPACE, obj["metadata"]["name"])
    _delete(subject, "v1", "Namespace", "", _NAMESPACE)
    deadline = time.monotonic() + _BEHAVES
    while _left(subject):
        if time.monotonic() > deadline:
            raise LabError(f"Istio is not gone after {_BEHAVES:.0f} s.")
        time.sleep(0.2)
    cluster.forget_kinds()


def _delete(subject: Subject, api_version: str, kind: str, namespace: str, name: str) -> None:
    resource = subject.admin.resource(api_version, kind)
    if resource is None:
        return
    try:
        now = {"gracePeriodSeconds": 0} if kind == "Pod" else None
        subject.admin.transport.raw("DELETE", resource.path(namespace, name), query=now)
    except MeshError:
        return  # gone already; what is not is found by whoever waits


def _left(subject: Subject) -> bool:
    definitions = subject.admin.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    there = any("istio.io" in obj["metadata"]["name"] for obj in definitions)
    return there or subject.admin.get("v1", "Namespace", "", _NAMESPACE) is not None
