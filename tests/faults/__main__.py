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

#: Workload -> how many workers share its cases, each on a cluster of its own: so that all end at about the same time.
LANES = {"config_set": 1, "control_plane": 2}


def main() -> int:
    """Workers side by side; 1 when something that is promised was not kept."""
    options = _parser().parse_args()
    seed = options.seed if options.seed is not None else secrets.randbelow(10**6)
    print(f"FAULT_SEED={seed}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        lanes = [(name, share) for name, shares in LANES.items() for share in range(shares)]
        taken = [lane for lane in zip(lanes, options.clusters, strict=True) if lane[0][0] in _workloads(options)]
        results = [Path(scratch) / f"{cluster}.json" for _lane, cluster in taken]
        workers = [
            subprocess.Popen(_worker(options, *lane, cluster, seed, out))
            for (lane, cluster), out in zip(taken, results, strict=True)
        ]
        failed = [worker for worker in workers if worker.wait() != 0]
        verdicts = [verdict for path in results if path.exists() for verdict in verdicts_of(path)]
    seconds = time.monotonic() - started
    broken = sum(bool(verdict.violations) for verdict in verdicts)
    print(report.table(verdicts))
    print(f"{len(verdicts)} cases in {seconds:.0f} s, {broken} with violations, FAULT_SEED={seed}")
    if options.full and not options.only and not failed and len(results) == len(lanes):
        report.write(verdicts, seconds, seed)
    return 1 if broken or failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--clusters",
        nargs=sum(LANES.values()),
        default=[f"api-faults-{number}" for number in range(1, sum(LANES.values()) + 1)],
        help=f"bare API servers of the lab, up with --kwok and --istiod; by workload {LANES}",
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


def _worker(options: argparse.Namespace, workload: str, share: int, cluster: str, seed: int, out: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.faults.worker", "--workload", workload, "--cluster", cluster]
    command += ["--share", str(share), str(LANES[workload]), "--seed", str(seed), "--out", str(out)]
    command += ["--full"] if options.full else []
    return command + [part for text in options.only if case_of(text).workload == workload for part in ("--only", text)]


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
