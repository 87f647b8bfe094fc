# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.faults [--full]`: every request of config_set and control_plane spoilt; the result as a table."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.collection import ROOT
from tests.faults import report
from tests.faults.cases import case_of
from tests.faults.worker import verdicts_of
from tests.faults.workloads import WORKLOADS


def main() -> int:
    """A worker per workload, each on its own cluster; 1 when something that is promised was not kept."""
    options = _parser().parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    print(f"FAULT_SEED={seed}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        results = {name: Path(scratch) / f"{name}.json" for name in _workloads(options)}
        clusters = dict(zip(WORKLOADS, options.clusters, strict=True))
        workers = [subprocess.Popen(_worker(options, name, clusters[name], seed, results[name])) for name in results]
        failed = [worker for worker in workers if worker.wait() != 0]
        verdicts = [verdict for path in results.values() if path.exists() for verdict in verdicts_of(path)]
    seconds = time.monotonic() - started
    broken = sum(bool(verdict.violations) for verdict in verdicts)
    print(report.table(verdicts))
    print(f"{len(verdicts)} cases in {seconds:.0f} s, {broken} with violations, FAULT_SEED={seed}")
    if options.full and not options.only and not failed and len(results) == len(WORKLOADS):
        report.write(verdicts, seconds, seed)
    return 1 if broken or failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--clusters",
        nargs=len(WORKLOADS),
        default=[f"api-faults-{number}" for number in range(1, len(WORKLOADS) + 1)],
        help=f"bare API servers of the lab, up with --kwok and --istiod, for {', '.join(WORKLOADS)}",
    )
    parser.add_argument("--full", action="store_true", help="each request in each way; else each once, in turn")
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="default: all")
    parser.add_argument("--only", action="append", default=[], metavar="CASE", help="as a violation prints it")
    seed = os.environ.get("FAULT_SEED")
    parser.add_argument("--seed", type=int, default=int(seed) if seed else None, help="default: $FAULT_SEED, or any")
    return parser


def _workloads(options: argparse.Namespace) -> list[str]:
    if options.only:
        return list(dict.fromkeys(case_of(text).workload for text in options.only))
    return options.workload or list(WORKLOADS)


def _worker(options: argparse.Namespace, workload: str, cluster: str, seed: int, out: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.faults.worker", "--workload", workload, "--cluster", cluster]
    command += ["--seed", str(seed), "--out", str(out)]
    command += ["--full"] if options.full else []
    return command + [part for text in options.only if case_of(text).workload == workload for part in ("--only", text)]


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
