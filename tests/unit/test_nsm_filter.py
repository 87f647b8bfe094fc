# SPDX-License-Identifier: Apache-2.0
"""Manifests whose pods ask for network services, by a real playbook that needs no cluster."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml

KEY = "networkservicemesh.io"
NET = "kernel://net/nsm-1"
DOCUMENTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {ns.networkservicemesh.io: "old/eth2?app=a", keep: me}}
spec:
  template:
    metadata: {labels: {app: web}, annotations: {networkservicemesh.io: kernel://theirs/nsm-1}}
    spec: {containers: [{name: main, image: a}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    metadata: {name: alone}
    spec: {containers: [{name: main, image: a}]}
  - apiVersion: batch/v1
    kind: Job
    metadata: {name: once}
    spec: {template: {spec: {containers: [{name: main, image: a}]}}}
"""
OBJECTS = list(yaml.safe_load_all(DOCUMENTS))
#: Name -> the input and the arguments of the filter.
GOOD = {
    "text": (DOCUMENTS, "['net']"),
    "twice": (DOCUMENTS, "['net']) | meshops.mesh.nsm_client(['net']"),
    "by name": (DOCUMENTS, "['net'], workloads=['alone']"),
    "by kind": (DOCUMENTS, "['net'], workloads=['Pod/alone']"),
    "objects": (OBJECTS, "['net']"),
}
BAD = {
    "a name": (DOCUMENTS, "['net'], workloads=['gone']", "workloads: there is no gone among the objects"),
    "no names": (DOCUMENTS, "['net'], workloads='web'", "workloads: must be a list of names"),
    "nothing": (DOCUMENTS, "[]", "services: is required"),
    "no list": (DOCUMENTS, "'net'", "services: must be a list, not a string"),
    "a mechanism": (DOCUMENTS, "['kernal://net']", "has the mechanism 'kernal'"),
    "an interface": (DOCUMENTS, "['kernel://x/nsm-1']", "web: kernel://x/nsm-1 wants the interface nsm-1"),
    "no yaml": ("a: [", "['net']", "the text"),
    "no objects": (["text"], "['net']", "the input, document 1: is not an object"),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """By name what the filter gave, or the text of its error; all in one play."""
    place = tmp_path_factory.mktemp("filter")
    cases = {**GOOD, **{name: case[:2] for name, case in BAD.items()}}
    tasks = [
        {
            "name": name,
            "vars": {"given": given},
            "ansible.builtin.set_fact": {"found": f"{{{{ given | meshops.mesh.nsm_client({arguments}) }}}}"},
            "register": f"answer_{number}",
            "ignore_errors": True,
        }
        for number, (name, (given, arguments)) in enumerate(cases.items())
    ]
    shown = "{{ [" + ", ".join(f"answer_{number}" for number in range(len(tasks))) + "] | to_json }}"
    tasks.append({"ansible.builtin.copy": {"content": shown, "dest": "answers.json"}})
    (place / "play.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    command = ["ansible-playbook", "play.yml"]
    env = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false"}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((place / "answers.json").read_text())
    return {
        name: answer["msg"] if answer.get("failed") else answer["ansible_facts"]["found"]
        for name, answer in zip(cases, told, strict=True)
    }


def by_kind(found):
    return {obj["kind"]: obj for obj in (yaml.safe_load_all(found) if isinstance(found, str) else found)}


@pytest.mark.parametrize("name", ["text", "twice", "objects"])
def test_what_comes_of_it(answers, name):
    objects = by_kind(answers[name])
    web = objects["Deployment"]
    assert web["metadata"]["annotations"] == {"keep": "me"}
    marks = {KEY: "kernel://theirs/nsm-1,kernel://old/eth2?app=a,kernel://net/nsm-2"}
    assert web["spec"]["template"]["metadata"] == {"labels": {"app": "web"}, "annotations": marks}
    assert objects["Pod"]["metadata"] == {"name": "alone", "annotations": {KEY: NET}}
    assert "metadata" not in objects["Job"]["spec"]["template"]
    assert list(objects) == ["Deployment", "Service", "Pod", "Job"]


@pytest.mark.parametrize("name", ["by name", "by kind"])
def test_some_of_the_objects(answers, name):
    objects = by_kind(answers[name])
    assert KEY in objects["Pod"]["metadata"]["annotations"]
    assert objects["Deployment"]["spec"]["template"]["metadata"]["annotations"] == {KEY: "kernel://theirs/nsm-1"}


def test_it_stays_what_it_was(answers):
    assert isinstance(answers["text"], str)
    assert isinstance(answers["objects"], list)


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_is_named(answers, name):
    assert BAD[name][2] in answers[name]
    assert "meshops.mesh.nsm_client: " in answers[name]
