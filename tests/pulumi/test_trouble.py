# SPDX-License-Identifier: Apache-2.0
"""What is not known yet, who does not answer, who is killed, and what must never be seen."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pulumi
import pytest
import yaml
from pulumi import automation

import pulumi_mesh as mesh
from bench.latency import delayed

from .conftest import API
from .programs import config_map, config_set

# What an engine that is killed leaves in this process is collected late, and complains.
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Error in event stream"
)

CANARY = "canary-7f3a91c2-value"
KIND = "ConfigSet"


def waiting(lab, namespace, **more):
    """A set whose Deployment nobody runs: the run waits for it."""
    labels = {"app": "never"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "example.invalid/a"}]}}
    never = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "never"},
        "spec": {"selector": {"matchLabels": labels}, "template": pod},
    }
    return config_set(lab, API, namespace, [config_map("a", level="info"), never], **more)


def processes(engine, word):
    """Processes of this stack's engine whose command has a word in it."""
    mark = f"PULUMI_HOME={engine}"
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            texts = [(entry / name).read_bytes().decode(errors="replace") for name in ("cmdline", "environ")]
            if entry.name.isdigit() and word in texts[0] and mark in texts[1]:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("victim", ["pulumi_mesh.provider", "--exec-kind"])
def test_who_is_killed_leaves_no_orphan(lab, cluster, namespace, stack, engine, victim):
    ended = []

    def up():
        try:
            stack.run("up", waiting(lab, namespace, wait_timeout=60))
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=up)
    thread.start()
    deadline = time.monotonic() + 40
    while cluster.get("apps/v1", "Deployment", namespace, "never") is None:
        assert time.monotonic() < deadline, ended
        time.sleep(0.1)
    pids = processes(engine, victim)
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    thread.join(60)
    assert ended, "the engine did not notice"
    deadline = time.monotonic() + 30
    while processes(engine, "pulumi_mesh.provider"):
        assert time.monotonic() < deadline, "a provider outlives its engine"
        time.sleep(0.2)

    stack.unlock()
    whole = config_set(lab, API, namespace, [config_map("a", level="info")])
    stack.run("up", whole)
    assert not stack.run("up", whole).changed
    assert cluster.get("apps/v1", "Deployment", namespace, "never") is None
    stack.run("destroy", whole)
    names = [obj["metadata"]["name"] for obj in cluster.list("v1", "ConfigMap", namespace)]
    assert [name for name in names if name != "kube-root-ca.crt"] == []


def test_a_configuration_that_is_not_known_yet(lab, cluster, namespace, stack):
    """The kubeconfig is another resource's output, as that of a cluster that is made in the same run."""

    def program():
        first = mesh.Provider("first", kubeconfig=lab.kubeconfig, context=API)
        made = mesh.ConfigSet(
            "made",
            opts=pulumi.ResourceOptions(provider=first),
            name="made",
            namespace=namespace,
            objects=[config_map("a", level="info")],
        )
        context = made.inventory.apply(lambda _found: API)
        second = mesh.Provider("second", kubeconfig=lab.kubeconfig, context=context)
        mesh.ConfigSet(
            "late",
            opts=pulumi.ResourceOptions(provider=second),
            name="late",
            namespace=namespace,
            objects=[config_map("b", level=made.name)],
        )
        told = mesh.get_mesh(pulumi.InvokeOutputOptions(provider=second, depends_on=[made]))
        pulumi.export("sets", told.apply(lambda found: [item["set"] for item in found["sets"]]))

    assert stack.run("preview", program).of(KIND) == {"create": 2}
    made = stack.run("up", program)
    assert made.of(KIND) == {"create": 2}
    assert "config-made" in made.outputs["sets"]
    assert cluster.get("v1", "ConfigMap", namespace, "b")["data"] == {"level": "made"}
    assert not stack.run("up", program).changed
    stack.run("destroy", program)


def test_who_does_not_answer_is_named_and_the_preview_goes_by_the_state(lab, namespace, stack, tmp_path):
    config = yaml.safe_load(Path(lab.kubeconfig).read_text())
    entry = next(item["cluster"] for item in config["clusters"] if item["name"] == API)
    kubeconfig = tmp_path / "kubeconfig"

    def program(level):
        provider = mesh.Provider("cluster", kubeconfig=str(kubeconfig), context=API)
        opts = pulumi.ResourceOptions(provider=provider)
        objects = [config_map("a", level=level)]
        mesh.ConfigSet("traffic", opts=opts, name="traffic", namespace=namespace, objects=objects)

    with delayed(entry["server"], 0) as server:
        entry["server"] = server
        kubeconfig.write_text(yaml.safe_dump(config))
        stack.run("up", lambda: program("info"))
    planned = stack.run("preview", lambda: program("debug"))
    assert planned.of(KIND) == {"update": 1}
    assert server.removeprefix("https://") in planned.text
    assert "by the state alone" in planned.text
    assert not stack.run("preview", lambda: program("info")).changed


def test_another_address_where_nobody_answers_is_refused(lab, namespace, stack):
    """Else what is on the one cluster could not be told from what is on the other later."""
    stack.run("up", config_set(lab, API, namespace, [config_map("a", level="info")]))

    def elsewhere():
        provider = mesh.Provider("cluster", host="https://127.0.0.1:1", api_key="none")
        opts = pulumi.ResourceOptions(provider=provider)
        mesh.ConfigSet("traffic", opts=opts, name="traffic", namespace=namespace, objects=[])

    with pytest.raises(automation.CommandError, match=r"127\.0\.0\.1:1"):
        stack.run("up", elsewhere)
    stack.run("destroy", config_set(lab, API, namespace, []))


def test_names_of_a_whole_mesh_are_never_the_same(lab, namespace, stack):
    """A set `b-c` in namespace `a`, and a set `c` in namespace `a-b`."""
    places = [(namespace, "b-traffic"), (f"{namespace}-b", "traffic")]
    sets = [{"namespace": place, "name": name, "objects": []} for place, name in places]

    def program():
        mesh.Mesh("m", {"clusters": {API: {"kubeconfig": lab.kubeconfig, "context": API}}, "config_set": sets})

    assert stack.run("preview", program).of(KIND) == {"create": 2}


def test_a_failure_is_one_line_that_says_where(lab, namespace, stack):
    wrong = config_set(lab, API, namespace, [{"apiVersion": "v1", "kind": "Wrong", "metadata": {"name": "a"}}])
    with pytest.raises(automation.CommandError) as caught:
        stack.run("up", wrong)
    assert "Wrong" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    with pytest.raises(automation.CommandError, match="name"):
        stack.run("up", config_set(lab, API, namespace, [], name="Not_A_Name"))


def test_secrets_are_nowhere(lab, cluster, namespace, stack, engine):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"password": f"{CANARY}-plain"},
    }

    def program():
        provider = mesh.Provider("cluster", kubeconfig=lab.kubeconfig, context=API)
        mesh.ConfigSet(
            "traffic",
            opts=pulumi.ResourceOptions(provider=provider),
            name="traffic",
            namespace=namespace,
            objects=pulumi.Output.secret([secret, config_map("c", level=f"{CANARY}-map")]),
        )

    texts = [stack.run(command, program, debug=True).text for command in ("preview", "up", "preview", "refresh")]
    assert cluster.get("v1", "Secret", namespace, "s") is not None
    cluster.transport.raw(
        "PATCH",
        f"/api/v1/namespaces/{namespace}/configmaps/c",
        body=b'{"data": {"level": "by hand"}}',
        content_type="application/merge-patch+json",
    )
    texts += [stack.run(command, program).text for command in ("preview", "refresh", "up")]
    texts += [file.read_text(errors="replace") for file in (engine / "state").rglob("*") if file.is_file()]
    assert not any(CANARY in text for text in texts)
    stack.run("destroy", program)


def test_a_secret_that_nobody_marked_is_nowhere_either(lab, cluster, namespace, stack, engine):
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"password": f"{CANARY}-unmarked"},
    }
    program = config_set(lab, API, namespace, [secret])
    texts = [stack.run(command, program).text for command in ("preview", "up", "refresh")]
    assert cluster.get("v1", "Secret", namespace, "s") is not None
    assert not stack.run("up", program).changed
    texts += [file.read_text(errors="replace") for file in (engine / "state").rglob("*") if file.is_file()]
    assert not any(f"{CANARY}-unmarked" in text for text in texts)
    stack.run("destroy", program)
