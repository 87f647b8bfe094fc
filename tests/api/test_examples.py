# SPDX-License-Identifier: Apache-2.0
"""The modules' examples, run as they stand in the documentation; their results are what RETURN says.

What no server without nodes can show is run in tests/e2e/test_5_examples.py.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from mesh.kube.cluster import Cluster

from lab.state import Lab
from tests import network_services
from tests.configured import KINDS
from tests.examples.documented import ON_AN_API_SERVER, examples
from tests.examples.playing import Stage, play_check, play_twice

from .conftest import API, Api, config_map
from .injectors import injector, installed
from .policies import until

#: Revisions and tags that somebody else installed, by what marks them.
DEFAULT = {"istio.io/rev": "default"}
CANARY = {"istio.io/rev": "canary"}
PROD = {"istio.io/rev": "canary", "istio.io/tag": "prod"}

#: What the examples need that they do not make themselves, by module.
NAMESPACES = {
    "config_set": ["shop"],
    "injection": ["shop"],
    "network_service": ["storage", "nsm-system"],
    "nsm_client": ["shop"],
    "waypoint": ["shop", "infra", "orders", "billing"],
    "workload_group": ["shop"],
}
INJECTORS = {"gateway": [DEFAULT], "injection": [DEFAULT, CANARY, PROD], "revision_tag": [CANARY]}

GATEWAYS = ["gateways.gateway.networking.k8s.io", "gatewayclasses.gateway.networking.k8s.io"]
DEFINITIONS = {
    "config_set": ["destinationrules.networking.istio.io"],
    "gateway": GATEWAYS,
    "waypoint": GATEWAYS,
    "workload_group": KINDS,
    "workload_info": KINDS,
}
WORKLOADS = [
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": name}]},
            },
        },
    }
    for name, labels in (("web", {}), ("db", {"storage": "fast"}))
]
VARIABLES: dict[str, dict[str, Any]] = {
    "injection": {"use_tags": True},
    "rbac": {"shop_objects": [config_map("shop", a="1")]},
}
RULE = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": "ratings"}}
FILES = {
    "config_set": {
        "traffic/ratings.yaml": yaml.safe_dump({**RULE, "spec": {"host": "ratings"}}),
        "gateway.yml.j2": yaml.safe_dump(config_map("{{ inventory_hostname }}", a="1")),
    }
}


@pytest.fixture
def prepare(api: Api, lab: Lab, cluster: Cluster) -> Iterator[Callable[[str], None]]:
    """Makes what the examples of a module need; that, and what they leave behind, goes with the test."""
    with contextlib.ExitStack() as stack:

        def made(obj: dict[str, Any], path: str) -> None:
            cluster.apply(obj, "them")
            stack.callback(until, partial(gone, cluster, obj))  # the next test may have it, too
            stack.callback(cluster.transport.raw, "DELETE", f"{path}/{obj['metadata']['name']}")

        def prepared(module: str) -> None:
            for name in NAMESPACES.get(module, ()):
                made({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "/api/v1/namespaces")
            for obj in definitions(lab, DEFINITIONS.get(module, ())):
                made(obj, f"/apis/{obj['apiVersion']}/customresourcedefinitions")
            if module == "network_service":
                stack.enter_context(network_services.kinds(cluster))
            for obj in WORKLOADS if module == "nsm_client" else ():
                cluster.apply(obj, "them")  # goes with its namespace
            webhooks = INJECTORS.get(module, ())
            names = [f"{module}-{number}".replace("_", "-") for number in range(len(webhooks))]
            marked = zip(names, webhooks, strict=True)
            stack.enter_context(
                installed(cluster, *(injector(name, marks, default=marks is DEFAULT) for name, marks in marked))
            )
            if module == "waypoint":
                stack.callback(api, "waypoint", {"namespace": "infra", "name": "shared"}, "absent")
            if module == "gateway":
                stack.callback(api, "gateway", {"name": "edge"}, "absent")
            if module == "control_plane":
                stack.callback(api, "control_plane", {"charts": {"path": lab.charts}}, "absent")

        yield prepared


def gone(cluster, obj):
    """Whether an object that is in no namespace is there no more."""
    return cluster.get(obj["apiVersion"], obj["kind"], "", obj["metadata"]["name"]) is None


@pytest.fixture
def stage(lab: Lab, namespace: str) -> Callable[[str], Stage]:
    """The API server, where nothing ever is ready, and with the charts of the lab instead of those on the Internet."""
    charts: dict[str, Any] = {"charts": {"path": lab.charts}, "wait": False}
    bundle = Path(lab.gateway_api) / "standard-install.yaml"
    defaults: dict[str, dict[str, Any]] = {
        "control_plane": charts,
        "gateway": charts,
        "gateway_api": {"source": str(bundle), "wait": False},
        "injection": {"wait": False},
        "network_service": {"wait": False},
        "nsm_client": {"wait": False},
        "revision_tag": {"namespace": namespace, "wait": False},
        "waypoint": {"wait": False},
        "workload_group": {"wait": False},
    }
    connection = {"kubeconfig": str(lab.kubeconfig), "context": API}
    declared: dict[str, Any] = {"control_plane_list": [{"charts": charts["charts"]}]}

    def found(module: str) -> Stage:
        files, variables = FILES.get(module, {}), {**declared, **VARIABLES.get(module, {})}
        if module == "gateway_api":
            files = {"files/gateway-api/install.yaml": bundle.read_text(encoding="utf-8")}
            variables["gateway_api_checksum"] = hashlib.sha256(bundle.read_bytes()).hexdigest()
        return Stage(connection, defaults, variables, files)

    return found


def definitions(lab, names):
    """The definitions of these names, Istio's or of the Gateway API; the others, which are long, are not even read."""
    places = (Path(lab.charts) / "base" / "files" / "crd-all.gen.yaml", Path(lab.gateway_api) / "standard-install.yaml")
    parts = [part for place in places if names for part in place.read_text(encoding="utf-8").split("\n---\n")]
    return [yaml.safe_load(part) for part in parts if any(f"\n  name: {name}\n" in part for name in names)]


@pytest.mark.parametrize("module", ON_AN_API_SERVER)
def test_examples(prepare, stage, tmp_path, module):
    prepare(module)
    tasks = examples(module, ON_AN_API_SERVER[module])
    for play in (play_check, play_twice):
        played = play(tasks, stage(module), tmp_path)
        assert [text for task in played for text in task.complaints()] == []
    assert [task.task["name"] for task in played if task.done.get("skipped")] == []
