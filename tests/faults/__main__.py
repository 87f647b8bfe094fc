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
from tests.faults import progress, report
from tests.faults.cases import case_of
from tests.faults.progress import Campaign
from tests.faults.workloads import WORKLOADS

#: Workload -> how many workers share its cases, each on a cluster of its own: so that all end at about the same time.
LANES = {"config_set": 1, "control_plane": 2}


def main() -> int:
    """Workers side by side; 1 when something that is promised was not kept."""
    options = _parser().parse_args()
    whole = options.full and not options.only and not options.workload
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        campaign = _campaign(options.seed, Path(scratch), kept=whole)
        print(f"FAULT_SEED={campaign.seed}", flush=True)
        started = time.monotonic()
        lanes = [(name, share) for name, shares in LANES.items() for share in range(shares)]
        taken = [lane for lane in zip(lanes, options.clusters, strict=True) if lane[0][0] in _workloads(options)]
        workers = [subprocess.Popen(_worker(options, lane, cluster, campaign)) for lane, cluster in taken]
        try:
            failed = [worker for worker in workers if worker.wait() != 0]
        finally:
            seconds = campaign.seconds + time.monotonic() - started
            campaign.keep(seconds)
        verdicts = campaign.verdicts()
    broken = sum(bool(verdict.violations) for verdict in verdicts)
    print(report.table(verdicts))
    print(f"{len(verdicts)} cases in {seconds:.0f} s, {broken} with violations, FAULT_SEED={campaign.seed}")
    if whole and not failed:
        report.write(verdicts, seconds, campaign.seed)
        campaign.forget()
    return 1 if broken or failed else 0


def _campaign(seed: int | None, scratch: Path, *, kept: bool) -> Campaign:
    """The whole product outlives an interruption; everything else begins anew."""
    new = seed if seed is not None else secrets.randbelow(10**6)
    if not kept:
        return Campaign(scratch, new)
    found = progress.begun(seed)
    if found is None:
        return progress.anew(new)
    print(f"going on with the campaign that was interrupted: {len(found.verdicts())} cases are judged", flush=True)
    return found


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


def _worker(options: argparse.Namespace, lane: tuple[str, int], cluster: str, campaign: Campaign) -> list[str]:
    workload, share = lane
    command = [sys.executable, "-m", "tests.faults.worker", "--workload", workload, "--cluster", cluster]
    command += ["--share", str(share), str(LANES[workload]), "--seed", str(campaign.seed)]
    command += ["--out", str(campaign.directory / f"{cluster}.jsonl")]
    command += ["--full"] if options.full else []
    return command + [part for text in options.only if case_of(text).workload == workload for part in ("--only", text)]


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
