# SPDX-License-Identifier: Apache-2.0
"""Clients of network services as a resource; the workloads are of somebody else."""

from __future__ import annotations

import pulumi
import pytest

import pulumi_mesh as mesh

from .conftest import API

KEY = "networkservicemesh.io"


@pytest.fixture
def workloads(cluster, namespace):
    for name in ("web", "db"):
        template = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": name, "image": name}]},
        }
        obj = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
        }
        cluster.apply(obj, "them")


def test_from_nothing_to_nothing(lab, cluster, namespace, workloads, stack, writes):
    def program(*names):
        def declared():
            provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
            arguments = {
                "name": "intranet",
                "namespace": namespace,
                "workloads": list(names),
                "services": ["intranet"],
                "wait": False,
            }
            made = mesh.NsmClient("intranet", arguments, pulumi.ResourceOptions(provider=provider))
            pulumi.export("clients", made.clients)

        return declared

    def asked(name):
        template = cluster.get("apps/v1", "Deployment", namespace, name)["spec"]["template"]
        return template["metadata"].get("annotations", {}).get(KEY)

    assert stack.run("preview", program("web", "db")).of("NsmClient") == {"create": 1}
    made = stack.run("up", program("web", "db"))
    assert made.outputs["clients"] == {
        f"Deployment {namespace}/{name}": "kernel://intranet/nsm-1" for name in ("db", "web")
    }
    assert writes(lambda: stack.run("up", program("web", "db"))) == 0
    assert stack.run("up", program("web")).of("NsmClient") == {"update": 1}
    assert (asked("web"), asked("db")) == ("kernel://intranet/nsm-1", None)
    stack.run("destroy", program("web"))
    assert asked("web") is None
