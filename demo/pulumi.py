# SPDX-License-Identifier: Apache-2.0
"""The demo from a Pulumi program: examples/pulumi/shop on the lab's clusters, with an engine that the lab builds.

With --destroy, what it made is taken away again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "plugins" / "module_utils"), str(ROOT / "examples" / "pulumi" / "shop")]

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
    return automation.create_or_select_stack("demo", "shop", lambda: program(told), opts=opts)


def program(told: dict[str, Any]) -> None:
    """What examples/pulumi/shop/__main__.py does, with what is different on the lab."""
    import pulumi

    from pulumi_mesh import Mesh

    mesh = Mesh("shop", declared(told))
    gateways = {name: made["gateway istio-ingress/webgw"] for name, made in mesh.clusters.items()}
    pulumi.export("addresses", {name: gateway.addresses for name, gateway in gateways.items()})


def declared(told: dict[str, Any]) -> dict[str, Any]:
    """The declaration of the example for the lab's clusters."""
    from shop import declaration

    of_all = {"charts": told["mesh_charts"], "values": told["mesh_values"], "image": told["shop_image"]}
    clusters = {
        name: {"kubeconfig": told["mesh_kubeconfig"], "context": name, "network": f"{name}-net"} for name in CLUSTERS
    }
    made: dict[str, Any] = declaration(clusters, told["mesh_version"], **of_all)
    return made


if __name__ == "__main__":
    sys.exit(main())
