# SPDX-License-Identifier: Apache-2.0
"""What a campaign found: a line per violation that says how to repeat it, a table, and the page that keeps the last."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from tests.collection import ROOT
from tests.faults.campaign import Verdict
from tests.faults.cases import ALL

PAGE = ROOT / "docs" / "reliability.md"
_BEGIN, _END = "<!-- systematic faults: begin -->", "<!-- systematic faults: end -->"
_HEAD = ("workload", "kind", "cases", "succeeded", "failed cleanly", "killed", "not hit", "violations")


def complaint(verdict: Verdict) -> str:
    """A violation: what was hit, how the run ended, what is wrong, how to see it again."""
    case, ended = verdict.case, verdict.ended
    how = "killed" if ended.killed else ended.text or ended.flaw or "success"
    lines = [
        f"VIOLATION {case}",
        f"  hit:    {verdict.hit or 'nothing: there were fewer requests'} (undisturbed: {case.request})",
        f"  ended:  {how} after {ended.seconds:.1f} s",
        *(f"  wrong:  {text}" for text in verdict.violations[:12]),
        f"  repeat: python -m tests.faults --only {case}",
    ]
    return "\n".join(lines)


def table(verdicts: Sequence[Verdict]) -> str:
    """Counts per workload and kind, as a Markdown table."""
    rows = [_HEAD, tuple("---" for _ in _HEAD)]
    for workload in dict.fromkeys(verdict.case.workload for verdict in verdicts):
        of_workload = [verdict for verdict in verdicts if verdict.case.workload == workload]
        by_kind = {kind: [v for v in of_workload if v.case.kind == kind] for kind in ALL}
        rows += [_row(workload, kind, of_kind) for kind, of_kind in by_kind.items() if of_kind]
        rows.append(_row(workload, "all", of_workload))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(workload: str, kind: str, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    hit = [verdict for verdict in verdicts if verdict.hit]
    counts = (
        len(verdicts),
        sum(verdict.ended.ok for verdict in hit),
        sum(bool(verdict.ended.code) for verdict in hit),
        sum(verdict.ended.killed for verdict in hit),
        len(verdicts) - len(hit),
        sum(bool(verdict.violations) for verdict in verdicts),
    )
    return (workload, kind, *map(str, counts))


def write(verdicts: Sequence[Verdict], seconds: float, seed: int) -> None:
    """Replace the part of the page between the markers."""
    today = datetime.datetime.now(datetime.UTC).date()
    took = f"{len(verdicts)} cases in {seconds / 60:.0f} minutes"
    meaning = [f"* `{fault.name}`: {fault.about}" for fault in ALL.values()]
    lines = [
        _BEGIN,
        f"Last full run: {today}, `make test-faults`, FAULT_SEED={seed}, {took}.",
        "",
        table(verdicts),
        "",
        "Kinds:",
        "",
        *meaning,
        _END,
    ]
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    PAGE.write_text(before + "\n".join(lines) + after, encoding="utf-8")
