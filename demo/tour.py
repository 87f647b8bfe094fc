# SPDX-License-Identifier: Apache-2.0
"""The way in and out, on a revision of its own: Helm installs it, it is taken over, nothing changes, Helm goes on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from mesh.apply.engine import run
from mesh.kube.cluster import Cluster, connect
from mesh.model.objects import labels_of
from mesh.model.operation import State
from mesh.model.options import Connection, Mode, RunOptions
from mesh.model.report import Report
from mesh.model.spec import parse
from mesh.operations.control_plane import CONTROL_PLANE
from mesh.render import helm

from lab.state import Lab

NAME = "tour"
NAMESPACE = "istio-system"


class Tour:
    """The steps on one cluster; each is told in one line."""

    def __init__(self, lab: Lab, cluster: Cluster, values: dict[str, Any]) -> None:
        self._lab, self._cluster, self._values = lab, cluster, values
        self._helm = helm.find().path

    def take(self) -> bool:
        """All steps; whether each came out as it should."""
        print(f"\nThe tour: Helm's revision {NAME} on cluster {self._cluster.name} is taken over and given back")
        self._plan("released", show="")  # what an interrupted tour left
        self._upgrade()
        pods = set(self._pods())
        self._tell("helm install", self._release())
        adopted = self._plan(adopt=True, check=True, show="adopt, check mode")
        adopted_too = self._plan(adopt=True, show="adopt")
        again = self._plan(show="apply again")
        self._plan("released", show="released")
        self._upgrade()
        self._tell("helm upgrade", self._release())
        self._upgrade()
        self._tell("helm upgrade again", self._release())
        same = set(self._pods()) == pods
        self._tell("pods of istiod", "the same all the time" if same else "NOT the same")
        self._run("uninstall", NAME, "--namespace", NAMESPACE, "--wait")
        promises = {
            "adoption takes over": adopted.counts().get("adopt", 0) > 0,
            "adoption changes nothing": adopted.counts().keys() <= {"adopt", "unchanged"},
            "check mode says what the run does": adopted.counts() == adopted_too.counts(),
            "a second run changes nothing": not again.changed,
            "pods stay": same,
        }
        for promise in (text for text, kept in promises.items() if not kept):
            self._tell("NOT KEPT", promise)
        return all(promises.values())

    def _upgrade(self) -> None:
        chart = f"{self._lab.charts}/istiod"
        values = {**self._values, "revision": NAME}
        arguments = ("--install", "--namespace", NAMESPACE, "--wait", "--timeout", "3m", "--values", "-")
        self._run("upgrade", NAME, chart, *arguments, text=json.dumps(values))

    def _release(self) -> str:
        listed = json.loads(self._run("list", "--namespace", NAMESPACE, "--filter", f"^{NAME}$", "--output", "json"))
        return f"release {NAME}, revision {listed[0]['revision']}: {listed[0]['status']}"

    def _run(self, *arguments: str, text: str = "") -> str:
        place = ("--kubeconfig", self._lab.kubeconfig, "--kube-context", self._cluster.name)
        done = subprocess.run(
            [self._helm, *place, *arguments], input=text, stdout=subprocess.PIPE, text=True, timeout=240, check=True
        )
        return done.stdout

    def _plan(self, state: State = "present", *, adopt: bool = False, check: bool = False, show: str) -> Report:
        lines: list[str] = []
        charts = {"repository": self._lab.chart_repository, "plain_http": True}
        data = {"revision": NAME, "version": self._lab.istio_version, "charts": charts, "values": self._values}
        spec, options = parse(CONTROL_PLANE.spec, data), parse(RunOptions, {"adopt": adopt})
        report = run(CONTROL_PLANE, spec, self._cluster, options, Mode(state, check), lines.append)
        if show:
            self._tell(show, lines[0].removesuffix(" (check mode)"))
        return report

    def _pods(self) -> Iterator[tuple[str, str]]:
        for pod in self._cluster.list("v1", "Pod", NAMESPACE, "app=istiod"):
            if labels_of(pod).get("istio.io/rev") == NAME:
                yield pod["metadata"]["uid"], pod["status"]["containerStatuses"][0]["containerID"]

    @staticmethod
    def _tell(step: str, text: str) -> None:
        print(f"  {step.ljust(18)}  {text}", flush=True)


def show(lab: Lab, name: str, values: dict[str, Any]) -> bool:
    """The tour on one cluster of the lab."""
    cluster = connect(Connection(kubeconfig=lab.kubeconfig, context=name), name)
    try:
        return Tour(lab, cluster, values).take()
    finally:
        cluster.close()
