# SPDX-License-Identifier: Apache-2.0
"""The core as a program, as both fronts call it: `python bench/core.py KUBECONFIG CONTEXT OPERATION FILE [--check]`.

FILE is the operation's declaration in JSON; `objects_from` in it names a file of manifests.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT / "plugins" / "module_utils")

STARTED = time.monotonic()


def main(kubeconfig: str, context: str, name: str, file: str, *flags: str) -> None:
    """Run one operation; the last line of the output tells what only the inside knows."""
    import yaml
    from mesh.apply.engine import run
    from mesh.kube.cluster import connect
    from mesh.model.options import Connection, Mode, RunOptions
    from mesh.model.spec import parse
    from mesh.operations.registry import OPERATIONS

    declared = json.loads(Path(file).read_text(encoding="utf-8"))
    if "objects_from" in declared:
        with Path(declared.pop("objects_from")).open("rb") as manifests:
            declared["objects"] = list(yaml.load_all(manifests, Loader=yaml.CSafeLoader))
    operation = OPERATIONS[name]
    prepared, memory = time.monotonic(), _peak()
    cluster = connect(Connection(kubeconfig=kubeconfig, context=context), context)
    try:
        spec = parse(operation.spec, declared)
        mode = Mode("absent" if "--absent" in flags else "present", "--check" in flags)
        report = run(operation, spec, cluster, parse(RunOptions, {}), mode, lambda line: None)
    finally:
        cluster.close()
    ended = time.monotonic()
    inside = {"prepared": prepared - STARTED, "run": ended - prepared, "run_memory": _peak() - memory}
    print(json.dumps({**inside, "changed": report.changed, "requests": dict(cluster.transport.counts)}))


def _peak() -> int:
    """Bytes of memory at the peak so far."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
