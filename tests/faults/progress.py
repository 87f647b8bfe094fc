# SPDX-License-Identifier: Apache-2.0
"""What a campaign has judged so far: it takes an hour, and goes on where it was interrupted as long as the code is the
same."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.collection import ROOT
from tests.faults.campaign import Verdict
from tests.faults.cases import Case
from tests.faults.engine import Ended

DIRECTORY = ROOT / "build" / "faults"
_TOLD = "campaign.json"
#: What decides how a case goes.
_CODE = ("plugins/module_utils/mesh", "tests/faults")


@dataclass
class Campaign:
    """Verdicts in a directory, a file per worker; ``seconds`` are those of its earlier parts."""

    directory: Path
    seed: int
    seconds: float = 0.0

    def verdicts(self) -> list[Verdict]:
        """All of them so far."""
        return [verdict for path in sorted(self.directory.glob("*.jsonl")) for verdict in _verdicts(path)]

    def keep(self, seconds: float) -> None:
        """Remember how long it has taken."""
        told = {"code": _digest(), "seed": self.seed, "seconds": seconds}
        (self.directory / _TOLD).write_text(json.dumps(told), encoding="utf-8")

    def forget(self) -> None:
        """It is complete."""
        shutil.rmtree(self.directory)


def begun(seed: int | None) -> Campaign | None:
    """The campaign that was interrupted, if it was one of this code, and of this seed if one is given."""
    try:
        told = json.loads((DIRECTORY / _TOLD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = told["code"] == _digest() and seed in (None, told["seed"])
    return Campaign(DIRECTORY, told["seed"], told["seconds"]) if same else None


def anew(seed: int) -> Campaign:
    """A campaign of which nothing is judged yet."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    campaign = Campaign(DIRECTORY, seed)
    campaign.keep(0.0)
    return campaign


def note(path: Path, verdict: Verdict) -> None:
    """Add one to a worker's file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(verdict)) + "\n")


def _verdicts(path: Path) -> Iterator[Verdict]:
    """A last line may be cut off, where its worker was killed."""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            told = json.loads(line)
            yield Verdict(Case(**told["case"]), told["hit"], Ended(**told["ended"]), told["violations"])


def _digest() -> str:
    files = sorted(path for place in _CODE for path in (ROOT / place).rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()
