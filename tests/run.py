# SPDX-License-Identifier: Apache-2.0
"""All checks of the project, stage by stage: `python -m tests.run [--keep-lab] [STAGE...]`.

Stages that need clusters bring up the lab's; at the end, however it comes, the lab goes down again. Where all stages
run, those that look at the collection from outside run beside the others; their output comes in one piece.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests import tools
from tests.collection import BUILT, COLLECTIONS, ROOT, VENV

Command = list[str]
Verdict = Literal["passed", "failed", "skipped", "interrupted"]

GRACE = 30  # seconds that an interrupted command has to clean up


@dataclass(frozen=True)
class Stage:
    name: str
    about: str
    commands: list[Command]
    needs: list[str] = field(default_factory=list)  # patterns of files without which there is nothing to run
    tools: str | None = None  # runs only where this environment of tests/tools.py can be made
    lab: Command | None = None  # `lab up` with these arguments comes first
    env: dict[str, str] = field(default_factory=dict)
    on_request: bool = False  # takes long: runs only when it is named


@dataclass(frozen=True)
class Result:
    stage: Stage
    verdict: Verdict
    seconds: float = 0.0
    reason: str = ""


def module(name: str, *arguments: str) -> Command:
    return [sys.executable, "-m", name, *arguments]


def program(name: str, *arguments: str) -> Command:
    return [str(VENV / "bin" / name), *arguments]


# After a program of Pulumi has run, Python 3.11 miscounts its depth: it can neither import hypothesis late, as its
# plugin does on warnings, nor parse sources for the tracebacks of pytest.
WITH_PULUMI = ["-p", "no:hypothesispytest", "--tb=native"]

# Simulated nodes, and a real istiod as a process.
FAULT_CLUSTERS = ["--clusters", "api-faults-1", "api-faults-2", "api-faults-3", "--kwok", "1", "--istiod"]

# Of the unit tests those that tell one ansible-core or kubernetes from another, but for the slowest.
FRONT = [
    *("tests/unit/examples/", "tests/unit/inventory/", "tests/unit/kube/"),
    *("tests/unit/test_ansible.py", "tests/unit/test_render_playbook.py"),
]

STAGES = [
    Stage("ruff", "style and formatting", [module("ruff", "check", "."), module("ruff", "format", "--check", ".")]),
    Stage("mypy", "strict types of the core, the lab and these programs", [module("mypy")]),
    Stage(
        "imports",
        "the layers of the core",
        [program("lint-imports", "--no-logo")],
        env={"PYTHONPATH": "plugins/module_utils"},
    ),
    Stage(
        "generated",
        "what is written from the specs is fresh",
        [module("generate", "--check")],
        needs=["generate/__main__.py"],
    ),
    Stage("spdx", "a licence in each file", [module("tests.check_spdx")]),
    Stage("changelog", "fragments of the changelog", [program("antsibull-changelog", "lint")]),
    Stage(
        "docs",
        "the reference of plugins and roles, as antsibull-docs reads and builds it",
        [module("tests.docsite", "lint"), module("tests.docsite", "build")],
    ),
    Stage("unit", "tests without a cluster", [module("pytest", "tests/unit")], needs=["tests/unit/**/test_*.py"]),
    Stage(
        "hosts",
        "hosts of the lab, and that they leave nothing behind",
        [module("pytest", "tests/hosts")],
        needs=["tests/hosts/test_*.py", "lab/__main__.py"],
    ),
    Stage(
        "nsm",
        "domains of Network Service Mesh in the lab: real SPIRE, and services found from one to another",
        [module("pytest", "tests/nsm")],
        needs=["tests/nsm/test_*.py", "lab/__main__.py"],
    ),
    Stage(
        "api",
        "tests against a real API server",
        [module("pytest", "tests/api")],
        needs=["tests/api/**/test_*.py", "lab/__main__.py"],
        lab=["--clusters", "--api"],
    ),
    Stage(
        "secrets",
        "canaries in every secret field turn up nowhere",
        [module("pytest", "tests/secrets")],
        needs=["tests/secrets/**/test_*.py", "lab/__main__.py"],
        lab=["--clusters", "--api"],
    ),
    Stage(
        "pulumi",
        "the Pulumi provider with the real engine, against a real API server",
        [module("pytest", *WITH_PULUMI, "tests/pulumi")],
        needs=["tests/pulumi/**/test_*.py", "lab/__main__.py"],
        lab=["--clusters", "--api"],
    ),
    Stage(
        "faults",
        "every request of config_set and control_plane fails once",
        [module("tests.faults")],
        needs=["tests/faults/__main__.py", "lab/__main__.py"],
        lab=FAULT_CLUSTERS,
        env={"PYTHONPATH": "plugins/module_utils"},
    ),
    Stage(
        "faults-full",
        "every request fails in every way; the result goes to docs/reliability.md",
        [module("tests.faults", "--full")],
        needs=["tests/faults/__main__.py", "lab/__main__.py"],
        lab=FAULT_CLUSTERS,
        env={"PYTHONPATH": "plugins/module_utils"},
        on_request=True,
    ),
    Stage("sanity", "ansible-test sanity on the collection as it ships", [module("tests.ansible_test", "sanity")]),
    Stage(
        "oldest",
        "the Ansible front with the oldest ansible-core and libraries that are supported",
        [
            module("tests.ansible_test", "sanity", "--core", "oldest"),
            module("tests.ansible_test", "units", "--core", "oldest", *FRONT),
        ],
        tools="oldest",
    ),
    Stage(
        "newest",
        "ansible-test sanity with the newest ansible-core, which wants a newer Python than we do",
        [module("tests.ansible_test", "sanity", "--core", "newest")],
        tools="newest",
        on_request=True,
    ),
    Stage(
        "cores",
        "all unit tests by ansible-test, with the oldest and the newest ansible-core",
        [
            module("tests.ansible_test", "units", "--core", "oldest"),
            module("tests.tools", "oldest", "python", "-m", "pytest", "tests/unit/test_installed.py"),
            module("tests.ansible_test", "units", "--core", "newest"),
        ],
        tools="newest",
        on_request=True,
    ),
    Stage("ecosystem", "ansible-navigator, and Mitogen present and absent", [module("pytest", "tests/ecosystem")]),
    Stage("ansible-lint", "ansible-lint, profile production", [program("ansible-lint")]),
    Stage("galaxy", "what Galaxy would say of the tarball", [module("tests.galaxy")]),
    Stage("ee", "what ansible-builder makes of the collection", [module("tests.execution_environment")]),
    Stage(
        "molecule",
        "Molecule's scenario of each role, on one of the lab's clusters and a host",
        [module("tests.collection", "unpack"), module("tests.scenarios")],
        needs=["molecule/*/molecule.yml", "lab/__main__.py"],
        lab=["--clusters", "onprem", "--hosts", "1"],
        env={"ANSIBLE_COLLECTIONS_PATH": str(BUILT), "PYTHONPATH": "plugins/module_utils"},
    ),
    Stage(
        "e2e",
        "tests in the lab's two clusters and on its hosts, with the collection as it ships",
        [module("tests.collection", "unpack"), module("pytest", *WITH_PULUMI, "tests/e2e")],
        needs=["tests/e2e/**/test_*.py", "lab/__main__.py"],
        lab=["--hosts", "2"],
        env={"ANSIBLE_COLLECTIONS_PATH": str(BUILT)},
    ),
]

#: No cluster, and minutes each.
BESIDE = ("docs", "sanity", "oldest", "ecosystem", "ansible-lint", "galaxy", "ee")
#: Before this one they have to be through: it makes the collection anew.
JOINED = "molecule"

LAB_DOWN = Stage("lab down", "no stage: it counts only when it fails", [])

# Settings by which a program would find somebody's real clusters, or behave as on no other machine.
FOREIGN = ("ANSIBLE_", "HELM_KUBE", "K8S_AUTH_", "KUBE_", "KUBERNETES_")


def environment(stage: Stage) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    ours = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        # Unset, it would mean the user's own ~/.kube/config; the lab's clusters are always named explicitly.
        "KUBECONFIG": os.devnull,
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    return kept | ours | stage.env


def run(command: Command, env: dict[str, str]) -> int:
    """Runs one command in a process group of its own, so that an interrupt ends all of it and nothing else."""
    print("$", shlex.join(command), flush=True)
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
                try:
                    process.wait(GRACE)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
            raise


def obstacle(stage: Stage) -> str | None:
    """Why the stage cannot run here, if so."""
    for pattern in stage.needs:
        if not any(ROOT.glob(pattern)):
            return f"there is no {pattern}"
    if stage.tools is not None and (reason := tools.obstacle(stage.tools)):
        return reason
    if stage.lab is not None and (sys.platform != "linux" or os.geteuid() != 0):
        return "the lab needs Linux and root"
    return None


def commands(stage: Stage) -> list[Command]:
    lab = [] if stage.lab is None else [module("lab", "up", *stage.lab)]
    return lab + stage.commands


def judge(stage: Stage) -> Result:
    reason = obstacle(stage)
    if reason:
        return Result(stage, "skipped", reason=reason)
    start = time.monotonic()
    verdict: Verdict = "passed"
    try:
        for command in commands(stage):
            code = run(command, environment(stage))
            if code != 0:
                reason, verdict = f"{Path(command[0]).name} ended with {code}: {shlex.join(command[1:])}", "failed"
                break
    except KeyboardInterrupt:
        verdict = "interrupted"
    return Result(stage, verdict, time.monotonic() - start, reason or "")


class Beside:
    """Stages that run in a process of their own, beside others."""

    def __init__(self, names: list[str]) -> None:
        self._stage = Stage("beside", ", ".join(names), [module("tests.run", *names)])
        self._log = BUILT.parent / "beside.log"
        self._started = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        if names:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    self._stage.commands[0],
                    cwd=ROOT,
                    env=environment(self._stage),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def result(self) -> list[Result]:
        """Waits for them, and prints what they have said; nothing where that was done before, or there are none."""
        if self._process is None:
            return []
        print(f"\n=== waiting for what runs beside: {self._stage.about}", flush=True)
        code = self._process.wait()
        self._process = None
        print(self._log.read_text(encoding="utf-8", errors="replace"), flush=True)
        verdict: Verdict = "failed" if code else "passed"
        return [Result(self._stage, verdict, time.monotonic() - self._started, self._stage.about)]

    def end(self) -> None:
        """Whatever still runs of them ends."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)


def judged(stages: list[Stage], beside: Beside) -> Iterator[Result]:
    for number, stage in enumerate(stages, 1):
        if stage.name == JOINED:
            yield from beside.result()
        title = f"[{number}/{len(stages)}] {stage.name}"
        print(f"\n=== {title}: {stage.about}", flush=True)
        result = judge(stage)
        if result.verdict == "skipped":
            print(f"=== {title}: SKIPPED, {result.reason}", flush=True)
        else:
            print(f"=== {title}: {result.verdict} after {result.seconds:.1f} s", flush=True)
        yield result
        if result.verdict == "interrupted":
            return
    yield from beside.result()


def summarize(results: list[Result]) -> int:
    """Prints the table and the closing line; returns the exit code."""
    print("\nstage         result       seconds")
    for result in results:
        print(f"{result.stage.name:13} {result.verdict:11} {result.seconds:8.1f}  {result.reason}".rstrip())
    verdicts = [result.verdict for result in results]
    failed = len(verdicts) - verdicts.count("passed") - verdicts.count("skipped")
    print(f"\n{verdicts.count('passed')} passed, {failed} failed, {verdicts.count('skipped')} skipped", flush=True)
    return 1 if failed else 0


def lab_down() -> list[Result]:
    """Nothing may cut this short: a lab that is half down is what the next run stumbles over."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: print("waiting for the lab to go down", flush=True))
    print("\n=== the lab goes down", flush=True)
    clean = run(module("lab", "down"), environment(LAB_DOWN)) == 0
    return [] if clean else [Result(LAB_DOWN, "failed", reason="something of the lab is left: `make lab-down`")]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=", ".join(stage.name for stage in STAGES))
    parser.add_argument("--keep-lab", action="store_true", help="leave the lab's clusters up")
    options = parser.parse_args()
    known = {stage.name: stage for stage in STAGES}
    if unknown := set(options.stages) - known.keys():
        parser.error(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(known)}")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    chosen = [stage for stage in STAGES if stage.name in options.stages or not (options.stages or stage.on_request)]
    aside = [] if options.stages else [stage.name for stage in chosen if stage.name in BESIDE]
    results: list[Result] = []
    beside = Beside(aside)
    try:
        for result in judged([stage for stage in chosen if stage.name not in aside], beside):
            results.append(result)
    finally:
        beside.end()
        lab_used = any(result.stage.lab is not None and result.verdict != "skipped" for result in results)
        if lab_used and not options.keep_lab:
            results += lab_down()
    return summarize(results)


if __name__ == "__main__":
    sys.exit(main())
