# SPDX-License-Identifier: Apache-2.0
"""The demo from a Pulumi program: examples/pulumi/shop on the lab's clusters, with an engine that the lab builds.

With --destroy, what it made is taken away again.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "pulumi" / "shop"
sys.path[:0] = [str(ROOT / "plugins" / "module_utils"), str(EXAMPLE)]

CLUSTERS = ("onprem", "cloud")
DESTROY = "--destroy"


def main() -> int:
    """0 when the program ran and every measurement is as declared."""
    from demo.measure import measure
    from demo.run import lab_up, on_the_lab
    from demo.table import show

    if code := lab_up():
        return code
    told = on_the_lab()
    made = stack(told)
    if DESTROY in sys.argv:
        made.destroy(on_output=print)
        return 0
    started = time.monotonic()
    made.up(on_output=print)
    took = time.monotonic() - started
    reached = {name: {"mesh_kubeconfig": told["mesh_kubeconfig"], "mesh_context": name} for name in CLUSTERS}
    measured = [measure(name, host) for name, host in reached.items()]
    show(measured, took, lab=True)
    return 0 if all(cluster.as_declared for cluster in measured) else 1


def stack(told: dict[str, Any]) -> Any:
    """The stack, with its state beside the lab's."""
    from pulumi import automation

    from lab.engine import prepare, workspace

    opts = workspace(prepare(ROOT / ".lab" / "pulumi"))
    made = automation.create_or_select_stack("demo", "shop", program, opts=opts)
    made.set_all_config({name: automation.ConfigValue(value) for name, value in configuration(told).items()})
    return made


def program() -> None:
    """The example as it is; no language host is needed for a program that runs here."""
    runpy.run_path(str(EXAMPLE))


def configuration(told: dict[str, Any]) -> dict[str, str]:
    """What `pulumi config set` would tell the example: what is different on the lab."""
    clusters = {
        name: {"kubeconfig": told["mesh_kubeconfig"], "context": name, "network": f"{name}-net"} for name in CLUSTERS
    }
    objects = {"clusters": clusters, "charts": told["mesh_charts"], "values": told["mesh_values"]}
    texts = {"version": told["mesh_version"], "image": told["shop_image"]}
    texts |= {name: json.dumps(value) for name, value in objects.items()}
    return {f"shop:{name}": value for name, value in texts.items()}


def declared(told: dict[str, Any]) -> dict[str, Any]:
    """The declaration of the example for the lab's clusters."""
    from shop import declaration

    given = {name.partition(":")[2]: value for name, value in configuration(told).items()}
    of_all = {name: json.loads(given[name]) for name in ("charts", "values")}
    made: dict[str, Any] = declaration(json.loads(given["clusters"]), given["version"], image=given["image"], **of_all)
    return made


if __name__ == "__main__":
    sys.exit(main())
