# SPDX-License-Identifier: Apache-2.0
"""No run shows a canary: not what it prints, not its files, not its processes, not the cluster outside of Secrets."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence

import pytest
from mesh.kube.failures import ApiFailure
from mesh.model.objects import Object

from .cases import AS_MODULES, Case, encoded, secret
from .playing import play

#: How tasks run, and what each kind of run needs.
_LOUD = ("-vvvv", "--diff")
RUNS = {
    "in process": (True, _LOUD, {}),
    "in check mode": (True, (*_LOUD, "--check"), {"ANSIBLE_STDOUT_CALLBACK": "minimal"}),
    "as modules": (False, _LOUD, {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}),
}


_CONNECTION = ("kubeconfig", "context")


def given(cases, **more):
    environments = [case.task.get("environment", {}) for case in cases]
    return {
        "given": {case.name: case.arguments for case in cases},
        "given_environment": {key: value for found in environments for key, value in found.items()},
        **more,
    }


def leaks(played):
    """What was seen where it must not be. A private directory of Ansible has the arguments of modules; one of ours, for
    a moment, keys that the TLS library takes from files only."""
    passing = ("/home/.ansible/", "/tmp/meshops-")
    return sorted(
        f"{place.replace(str(played.directory), '')}: {what}"
        for place, what in played.seen
        if "(open)" in place or not any(str(played.directory) + part in place for part in passing)
    )


def left_behind(played):
    """Our temporary files after a run."""
    return list((played.directory / "tmp").glob("**/*"))


def in_the_cluster(cluster, canaries, namespace):
    """Where the API server has canaries outside of the data of Secrets, and what kubectl keeps beside it."""
    found, listed = set(), 0
    for resource in cluster.kinds.served:
        objects: Sequence[Object] = []
        with contextlib.suppress(ApiFailure):  # what can only be created, such as reviews
            objects = cluster.list_at(resource, namespace if resource.namespaced else "")[0]
        listed += len(objects)
        for obj in map(without_data, objects):
            where = f"{obj['kind']} {obj['metadata']['name']}"
            found |= {f"{where}: {what}" for what in canaries.found(json.dumps(obj).encode())}
    assert listed > 100  # an API server's own roles alone are more
    return found


def without_data(obj: Object) -> Object:
    if obj["kind"] != "Secret":
        return obj
    kept = "kubectl.kubernetes.io/last-applied-configuration"
    marks = {key: value for key, value in obj["metadata"].get("annotations", {}).items() if key != kept}
    return {**obj, "data": {}, "metadata": {**obj["metadata"], "annotations": marks}}


#: The role over many sets, the second of which is refused: Ansible shows which item failed.
_LOOP = {
    "module_defaults": {"meshops.mesh.config_set": "{{ connection }}"},
    "block": [
        {
            "name": "many",
            "ansible.builtin.include_role": {"name": "meshops.mesh.config_set"},
            "vars": {"config_set_list": "{{ items }}"},
        }
    ],
    "rescue": [{"name": "show", "ansible.builtin.debug": {"var": "ansible_failed_result"}}],
}


def looped(cases):
    """The variables of that loop."""
    arguments = next(case.arguments for case in cases if case.name == "created")
    connection = {key: arguments[key] for key in _CONNECTION}
    chosen = [case.arguments for case in cases if case.name in ("updated", "refused by a policy")]
    items = [{key: value for key, value in found.items() if key not in _CONNECTION} for found in chosen]
    return {"items": items, "connection": connection}


@pytest.mark.parametrize("name", RUNS)
def test_no_run_shows_a_canary(player, prepared, cluster, canaries, place, name):
    in_process, arguments, environment = RUNS[name]
    checked = "--check" in arguments
    cases = [case for case in prepared if in_process or case.name in AS_MODULES]
    variables = given(cases, meshops_in_process=in_process, **looped(cases))
    played = player(play(cases, [_LOOP]), variables, *arguments, **environment)
    assert leaks(played) == []
    assert left_behind(played) == []
    assert played.outcomes == {case.name: (checked and case.checked) or case.ends for case in cases}
    assert "do not like (redacted)" in played.output.rpartition("TASK [show]")[2]  # the item of the loop
    assert "helm" in played.programs
    assert in_the_cluster(cluster, canaries, place.namespace) == set()


def test_what_is_interrupted_shows_none(player, canaries, place):
    """A server that takes connections and says nothing; Ansible gets SIGINT meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        cluster = {"server": f"https://127.0.0.1:{listener.getsockname()[1]}"}
        user = {"token": canaries.make("interrupted, token", "t{core}{padding}")}
        kubeconfig = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
        }
        objects = [secret("never", data={"password": encoded(canaries.make("interrupted, data"))})]
        arguments = {"name": "never", "namespace": place.namespace, "objects": objects, "kubeconfig": kubeconfig}
        case = Case("interrupted", "config_set", arguments, "cancelled")
        played = player(play([case]), given([case]), "-vvvv", "--diff", interrupt=listener.accept)
    assert played.code != 0
    assert "TASK [interrupted]" in played.output
    assert leaks(played) == []
    assert left_behind(played) == []
