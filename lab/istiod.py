# SPDX-License-Identifier: Apache-2.0
"""istiod as a process beside an API server without nodes: what a kubelet would run for istiod's pods.

kwok makes the pods Ready; their addresses lead to loopback of the cluster's network namespace, where the real program
listens as long as there is such a pod, and a pod stays until its program has ended. So webhooks inject, validate and
fail as they do on real nodes. One revision at a time, as its ports are fixed.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from lab.addresses import Addresses
from lab.commands import run
from lab.errors import LabError
from lab.home import Home
from lab.kubeapi import Api, Object
from lab.kubeconfig import Access

_PODS = "/api/v1/namespaces/istio-system/pods"
#: Keeps a pod until the program has ended, as a kubelet does.
_FINALIZER = "meshops-lab/istiod"
_PERIOD_SECONDS = 0.25
_GRACE_SECONDS = 3.0


def start(home: Home, programs: dict[str, Path], addresses: Addresses, checkout: Path) -> None:
    """Route the pods' addresses to loopback, and start the keeper as a process of the cluster."""
    route = ["ip", "route", "replace", "local", addresses.pods, "dev", "lo"]
    run(home.in_network(*route), what=f"routing {addresses.pods} to loopback")
    work = home.root / "istiod"
    work.mkdir(parents=True, exist_ok=True)
    module = [sys.executable, "-m", "lab.istiod", str(home.pki), str(programs["pilot-discovery"]), str(work)]
    home.process("istiod").start(home.in_network(*module), cwd=checkout)


class Keeper:
    """Runs the program while a pod of istiod does; anew when arguments or environment change, or when it died."""

    def __init__(self, api: Api, program: Path, kubeconfig: Path, work: Path) -> None:
        self._api, self._program, self._kubeconfig, self._work = api, program, kubeconfig, work
        self._running: subprocess.Popen[bytes] | None = None
        self._as: tuple[list[str], dict[str, str]] | None = None

    def look(self) -> None:
        """Compare what runs with what should; nothing changes while the API server does not answer."""
        listed = self._api.get(_PODS)
        if listed is None:
            return
        pod = newest(listed["items"])
        wanted = launch(pod) if pod else None
        if self._running and (self._running.poll() is not None or wanted != self._as):
            self.stop()
        self._mark(listed["items"])
        if wanted and not self._running:
            self._start(*wanted)
            self._as = wanted

    def _mark(self, pods: Iterable[Object]) -> None:
        """Pods that run are kept; those that are to go, and whose program has ended by now, may."""
        for pod in pods:
            wanted = [_FINALIZER] if _is_istiod(pod) else []
            ours = _FINALIZER in pod["metadata"].get("finalizers", ())
            if ours != bool(wanted):
                with contextlib.suppress(LabError):  # it went meanwhile
                    self._api.merge(f"{_PODS}/{pod['metadata']['name']}", {"metadata": {"finalizers": wanted}})

    def _start(self, arguments: list[str], environment: dict[str, str]) -> None:
        command = [str(self._program), *arguments, "--kubeconfig", str(self._kubeconfig)]
        print(" ".join(command), flush=True)
        path = {"PATH": "/usr/bin:/bin", "HOME": str(self._work)}
        self._running = subprocess.Popen(command, cwd=self._work, env={**path, **environment})

    def stop(self) -> None:
        """As a kubelet: a signal first, then force."""
        if self._running is None:
            return
        self._running.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running.wait(_GRACE_SECONDS)
        self._running.kill()
        self._running.wait()
        self._running = None


def newest(pods: Iterable[Object]) -> Object | None:
    """The youngest pod of istiod that runs and stays."""
    running = [pod for pod in pods if _is_istiod(pod)]
    return max(running, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)


def _is_istiod(pod: Object) -> bool:
    metadata = pod["metadata"]
    return (
        metadata.get("labels", {}).get("app") == "istiod"
        and "deletionTimestamp" not in metadata
        and pod.get("status", {}).get("phase") == "Running"
    )


def launch(pod: Object) -> tuple[list[str], dict[str, str]]:
    """Arguments and environment of the pod's container; what names the single pod is left out."""
    container = next(item for item in pod["spec"]["containers"] if item["name"] == "discovery")
    environment = {item["name"]: item["value"] for item in container.get("env", ()) if "value" in item}
    environment["POD_NAMESPACE"] = pod["metadata"]["namespace"]
    environment["POD_NAME"] = "istiod"
    environment["SERVICE_ACCOUNT"] = pod["spec"].get("serviceAccountName", "")
    environment.pop("KUBECONFIG", None)
    return list(container["args"]), environment


def main() -> None:
    """Runs until it is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pki", "program", "work"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    api = Api(Access("https://127.0.0.1:6443", arguments.pki, "admin"))
    keeper = Keeper(api, arguments.program, arguments.pki / "admin.kubeconfig", arguments.work)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            keeper.look()
            time.sleep(_PERIOD_SECONDS)
    finally:
        keeper.stop()


if __name__ == "__main__":
    main()
