# SPDX-License-Identifier: Apache-2.0
"""Run the site playbook, then measure what the mesh does and print it as a table.

Without MESH_INVENTORY the lab's clusters and the inventory in examples/ are used. With --tour, adoption and release are
shown after it; all other arguments go to ansible-playbook.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.state import Lab

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "plugins" / "module_utils"))

#: Small requests, because two clusters share two cores; the rest is what the lab's Envoy needs.
LAB_VALUES: dict[str, Any] = {
    "autoscaleEnabled": False,
    "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
    "global": {"proxy": {"resources": {"requests": {"cpu": "10m", "memory": "40Mi"}}}},
}
LAB_IMAGE = "docker.io/lab/shop:1"
#: On the lab the shop's ratings also run on a host outside Kubernetes.
HOST_NAME, CLUSTER_OF_HOST = "vm1", "onprem"
PLAYBOOKS = ("meshops.mesh.site", "meshops.mesh.join_vm")
TOUR = "--tour"


def main() -> int:
    """0 when the playbook ran and every measurement is as declared."""
    from demo.measure import HOST, measure
    from demo.table import show
    from lab.hosts import workload

    if {"-h", "--help"} & {*sys.argv}:
        print((__doc__ or "").strip())
        return 0
    inventory = os.environ.get("MESH_INVENTORY", "")
    arguments = [argument for argument in sys.argv[1:] if argument != TOUR]
    if TOUR in sys.argv and inventory:
        print(
            f"{TOUR} installs and removes a revision: it is only for the lab, without MESH_INVENTORY", file=sys.stderr
        )
        return 2
    variables: list[str] = []
    if not inventory:
        if code := lab_up():
            return code
        inventory, variables = str(ROOT / "examples" / "inventory"), ["--extra-vars", f"@{lab_variables()}"]
        variables += ["--inventory", str(ROOT / "examples" / "vms")]
        workload.install(HOST_NAME, "ratings", HOST)
    started = time.monotonic()
    for playbook in PLAYBOOKS if variables else PLAYBOOKS[:1]:
        command = ["ansible-playbook", "--inventory", inventory, *variables, playbook, *arguments]
        if code := subprocess.run(command, check=False).returncode:
            return code
    took = time.monotonic() - started
    measured = [
        measure(name, found, host=bool(variables) and name == CLUSTER_OF_HOST)
        for name, found in clusters(inventory, variables).items()
    ]
    show(measured, took, lab=bool(variables))
    toured = take_tour() if TOUR in sys.argv else True
    return 0 if toured and all(cluster.as_declared for cluster in measured) else 1


def lab_up() -> int:
    """The lab's two clusters and a host, and its programs first on PATH; the exit code."""
    code = subprocess.run([sys.executable, "-m", "lab", "up", "--hosts", "1"], cwd=ROOT, check=False).returncode
    # HELM_BINARY of the user would be another helm.
    os.environ["PATH"] = f"{ROOT / '.lab' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    os.environ.pop("HELM_BINARY", None)
    return code


def take_tour() -> bool:
    """Adoption and release on a revision beside the demo's own."""
    from mesh.render.values import merged

    from demo import tour
    from lab.state import load

    state = load()
    return tour.show(state, "cloud", merged(LAB_VALUES, state.istio_values))


def lab_variables() -> Path:
    """The variables by which the example inventory runs on the lab, written beside the lab's state."""
    path = ROOT / ".lab" / "demo.json"
    path.write_text(json.dumps(on_the_lab()))
    return path


def on_the_lab() -> dict[str, Any]:
    """What is different on the lab."""
    from mesh.render.values import merged

    from lab.state import load

    state = load()
    return {
        "mesh_kubeconfig": str(state.kubeconfig),
        "mesh_charts": {"repository": state.chart_repository, "plain_http": True},
        "mesh_gateway_api": f"{state.gateway_api}/standard-install.yaml",
        "mesh_waypoints_run": False,  # they need an extension that the lab's Envoy lacks
        "mesh_values": merged(LAB_VALUES, state.istio_values),
        "mesh_version": state.istio_version,
        "shop_image": LAB_IMAGE,
        **_host(state),
    }


def _host(state: Lab) -> dict[str, Any]:
    """How to reach the host of the lab, if it has one, and where Istio's package comes from."""
    host = next((host for host in state.hosts if host.name == HOST_NAME), None)
    if host is None:
        return {}
    from lab.sidecar import published

    known = f"-o UserKnownHostsFile={shlex.quote(host.known_hosts)} -o StrictHostKeyChecking=yes"
    url, digest = published(state, state.istio_version)
    return {
        "ratings_address": host.address,
        "ratings_user": host.user,
        "ratings_key": host.private_key,
        "ratings_ssh": f"{known} -o IdentitiesOnly=yes",
        "mesh_package": {"url": url, "checksum": f"sha256:{digest}"},
    }


def clusters(inventory: str, variables: list[str]) -> dict[str, dict[str, Any]]:
    """Host -> its kubeconfig and context, as Ansible resolves them."""
    command = ["ansible-inventory", "--inventory", inventory, *variables, "--list"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    hosts = listed["mesh_clusters"]["hosts"]
    return {host: listed["_meta"]["hostvars"].get(host, {}) for host in hosts}


if __name__ == "__main__":
    sys.exit(main())
