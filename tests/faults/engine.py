# SPDX-License-Identifier: Apache-2.0
"""One run of the engine, in this process or as one of its own that can be killed: `python -m tests.faults.engine`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from mesh.apply.engine import run
from mesh.kube import transport
from mesh.kube.cluster import connect
from mesh.model.errors import CODES, MeshError
from mesh.model.operation import State
from mesh.model.options import Connection, Mode, RunOptions
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

from tests.collection import ROOT

#: Seconds after which a request without an answer is given up: a minute per hanging request would be hours.
READ_SECONDS = 1.5


@dataclass(frozen=True)
class Job:
    """What the engine is to do."""

    operation: str
    data: dict[str, Any]
    state: str = "present"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How it ended: ``code`` of the error, empty after success; ``flaw`` is what no run may do, whatever happens."""

    code: str = ""
    text: str = ""
    flaw: str = ""
    changed: bool = False
    applied: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    seconds: float = 0.0
    killed: bool = False

    @property
    def ok(self) -> bool:
        """Whether the run said that all is as declared."""
        return not (self.code or self.flaw or self.killed)


def here(job: Job, kubeconfig: Path) -> Ended:
    """Run it in this process."""
    transport.READ_TIMEOUT = READ_SECONDS
    operation, started = OPERATIONS[job.operation], time.monotonic()
    cluster = connect(Connection(kubeconfig=str(kubeconfig)), "faults")
    try:
        spec, options = parse(operation.spec, job.data), parse(RunOptions, job.options)
        report = run(operation, spec, cluster, options, Mode(cast(State, job.state)), lambda line: None)
        return Ended(changed=report.changed, seconds=time.monotonic() - started)
    except MeshError as error:
        flaw = "" if error.code in CODES and error.msg else f"an error without a known code or text: {error!r}"
        seconds = time.monotonic() - started
        return Ended(error.code, str(error), flaw, bool(error.applied), error.applied, error.pending, seconds)
    except Exception:
        return Ended("", "", f"an error of another kind: {traceback.format_exc()}", seconds=time.monotonic() - started)
    finally:
        cluster.close()


class Apart:
    """The same in a process of its own."""

    def __init__(self, job: Job, kubeconfig: Path) -> None:
        self._started = time.monotonic()
        paths = os.pathsep.join([str(Path(transport.__file__).parents[2]), str(ROOT)])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.engine", str(kubeconfig)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._job = job

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        self._process.kill()

    def wait(self) -> Ended:
        """How it ended."""
        out, errors = self._process.communicate(json.dumps(asdict(self._job)), timeout=180)
        seconds = time.monotonic() - self._started
        if self._process.returncode < 0:
            return Ended(killed=True, seconds=seconds)
        if self._process.returncode:
            return Ended(flaw=f"ended with {self._process.returncode}: {errors[-2000:]}", seconds=seconds)
        return Ended(**json.loads(out))


def main() -> None:
    """The job comes as JSON on standard input, how it ended goes out."""
    ended = here(Job(**json.load(sys.stdin)), Path(sys.argv[1]))
    json.dump(asdict(ended), sys.stdout)


if __name__ == "__main__":
    main()
