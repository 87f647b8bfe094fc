# SPDX-License-Identifier: Apache-2.0
"""The cases of one workload on one cluster, in a process of its own; verdicts go to a file, progress to the screen."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

from mesh.kube.cluster import connect
from mesh.model.options import Connection

from lab.addresses import Addresses
from lab.home import Home
from lab.state import load
from tests.collection import ROOT
from tests.faults import report
from tests.faults.campaign import Series
from tests.faults.cases import Case, case_of, full, quick
from tests.faults.oracle import Oracle
from tests.faults.progress import Campaign, note
from tests.faults.workloads import WORKLOADS

_EVERY = 10.0  # seconds between lines of progress


def main() -> None:
    """Run the cases; violations are printed as they are found."""
    options = _parser().parse_args()
    os.environ["HELM_BINARY"] = str(ROOT / ".lab" / "bin" / "helm")
    lab = load()
    workload, entry = WORKLOADS[options.workload](lab), lab.cluster(options.cluster)
    direct = connect(Connection(kubeconfig=lab.kubeconfig, context=entry.context), entry.name)
    for name in workload.namespaces:
        direct.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "fault-bystander")
    series = Series(workload, Home(entry.name).access(Addresses(entry.number)), Oracle(direct))
    series.learn()
    for (source, target), requests in series.requests.items():
        print(
            f"{workload.name} on {entry.name}, {source} to {target}: {len(requests)} requests undisturbed", flush=True
        )
    choose = full if options.full else quick
    cases = [case_of(text) for text in options.only] or choose(workload, series.requests, options.seed)
    share, shares = options.share
    # In one piece: neighbours begin where the case before them ended.
    cases = cases[len(cases) * share // shares : len(cases) * (share + 1) // shares]
    judged = {str(verdict.case) for verdict in Campaign(options.out.parent, options.seed).verdicts()}
    _judge(series, [case for case in cases if str(case) not in judged], f"{workload.name} on {entry.name}", options.out)
    series.close()
    direct.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--workload", required=True, choices=WORKLOADS)
    parser.add_argument("--share", type=int, nargs=2, default=(0, 1), metavar=("I", "OF"), help="the cases' part")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    return parser


def _judge(series: Series, cases: Sequence[Case], name: str, out: Path) -> None:
    started, told, broken = time.monotonic(), 0.0, 0
    for number, case in enumerate(cases, 1):
        verdict = series.run(case)
        note(out, verdict)
        if verdict.violations:
            broken += 1
            print(report.complaint(verdict), flush=True)
        if time.monotonic() - told > _EVERY or number == len(cases):
            told = time.monotonic()
            spent = f"{told - started:.0f} s"
            print(f"{name}: {number} of {len(cases)}, {broken} violations, {spent}", flush=True)


if __name__ == "__main__":
    main()
