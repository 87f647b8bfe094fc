# SPDX-License-Identifier: Apache-2.0
"""`pulumi up` of a control plane and a set of objects: `python bench/stack.py WAY DIRECTORY KUBECONFIG CONTEXT FILE`.

WAY is `mesh` (our resources) or `kubernetes` (every object as a resource of pulumi-kubernetes); DIRECTORY has the
engine and its state; FILE the declarations in JSON. The last line of the output tells the size of the state.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)

PROJECT = "bench"


@dataclass(frozen=True)
class Wanted:
    """What both ways are to bring about, and where."""

    kubeconfig: str
    context: str
    plane: dict[str, Any]
    objects: list[dict[str, Any]]
    kubernetes_version: str


def mesh(wanted: Wanted) -> None:
    """Two resources of ours."""
    import pulumi

    import pulumi_mesh

    provider = pulumi_mesh.Provider("cluster", kubeconfig=wanted.kubeconfig, context=wanted.context)
    plane: Any = wanted.plane
    made = pulumi_mesh.ControlPlane("plane", plane, pulumi.ResourceOptions(provider=provider))
    after = pulumi.ResourceOptions(provider=provider, depends_on=[made])
    pulumi_mesh.ConfigSet("bench", opts=after, name="bench", namespace="bench", objects=wanted.objects)


def kubernetes(wanted: Wanted) -> None:
    """A resource per object."""
    import pulumi

    from pulumi_mesh.kubernetes import expand, objects

    where: Any = {"kubeconfig": Path(wanted.kubeconfig).read_text(encoding="utf-8"), "context": wanted.context}
    where["upsertExistingObjects"] = "true"  # the namespaces with the other contenders' roles
    provider = pulumi.ProviderResource("kubernetes", "cluster", where)
    plane = objects("control_plane", wanted.plane, kubernetes_version=wanted.kubernetes_version)
    expand("bench", [*plane, *wanted.objects], pulumi.ResourceOptions(provider=provider))


WAYS: dict[str, Callable[[Wanted], None]] = {"mesh": mesh, "kubernetes": kubernetes}


def main(way: str, directory: str, kubeconfig: str, context: str, file: str) -> None:
    """Bring the stack there."""
    import yaml
    from pulumi import automation

    from lab.engine import workspace

    told = json.loads(Path(file).read_text(encoding="utf-8"))
    with Path(told["objects_from"]).open("rb") as manifests:
        objects = list(yaml.load_all(manifests, Loader=yaml.CSafeLoader))
    wanted = Wanted(kubeconfig, context, told["plane"], objects, told["kubernetes_version"])
    opts = workspace(Path(directory))
    stack = automation.create_or_select_stack(way, PROJECT, lambda: WAYS[way](wanted), opts=opts)
    done = stack.up(on_output=lambda line: print(line, file=sys.stderr), color="never")
    state = Path(directory) / "state" / ".pulumi" / "stacks" / PROJECT / f"{way}.json"
    print(json.dumps({"state": state.stat().st_size, "changes": done.summary.resource_changes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
