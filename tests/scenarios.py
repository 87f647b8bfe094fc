# SPDX-License-Identifier: Apache-2.0
"""Molecule's scenarios on the lab, one after the other: `python -m tests.scenarios [SCENARIO...]`."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from demo.run import lab_variables
from tests.collection import ROOT, VENV

SCENARIOS = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))


def main(names: list[str]) -> int:
    """1 when a scenario failed; all are run."""
    unknown = sorted({*names} - {*SCENARIOS})
    if unknown:
        print(f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    ours = {"MESH_VARIABLES": str(lab_variables()), "HELM_BINARY": str(ROOT / ".lab" / "bin" / "helm")}
    chosen, failed = names or SCENARIOS, []
    for number, name in enumerate(chosen, 1):
        started = time.monotonic()
        command = [str(VENV / "bin" / "molecule"), "test", "--scenario-name", name]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **ours}, check=False)
        failed += [name] if done.returncode else []
        verdict = "failed" if done.returncode else "passed"
        print(f"[{number}/{len(chosen)}] {name} {verdict} after {time.monotonic() - started:.0f} s", flush=True)
    print(f"{len(chosen) - len(failed)} scenarios passed" + (f", failed: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
