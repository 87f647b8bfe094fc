# SPDX-License-Identifier: Apache-2.0
"""vm_bootstrap as a task: what register keeps, and what nobody sees."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from tests.certificates import authority
from tests.configured import configured

from .conftest import API

HOSTS = [{"host": "a", "internal_address": "192.0.2.11"}, {"host": "b", "issue_token": False}]


@pytest.fixture
def play(api, lab, cluster, namespace, workload_kinds, tmp_path):
    """Plays tasks on a group with a root; returns exit code and all that is printed."""
    cluster.forget_kinds()

    def run(*tasks, check=False):
        defaults = {"group/meshops.mesh.mesh": {"kubeconfig": str(lab.kubeconfig), "context": API}}
        play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": list(tasks)}
        path = tmp_path / "play.yml"
        path.write_text(yaml.safe_dump([play]), encoding="utf-8")
        python = f"ansible_python_interpreter={sys.executable}"
        flags = ["-i", "localhost,", "-c", "local", "-e", python, "-vvvv", "--diff", *(["--check"] if check else [])]
        done = subprocess.run(["ansible-playbook", *flags, str(path)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    with configured(cluster, namespace, authority("root").pem):
        api("workload_group", {"name": "ratings", "namespace": namespace})
        yield run


def asked(namespace, **more):
    options = {"group": "ratings", "namespace": namespace, "gateway_address": "192.0.2.1", **more}
    return {"meshops.mesh.vm_bootstrap": options, "register": "told"}


def kept(path):
    """Writes what register keeps, without showing it."""
    copy = {"content": "{{ told | to_json }}", "dest": str(path), "mode": "0600"}
    return {"ansible.builtin.copy": copy, "no_log": True, "check_mode": False}


def test_register_keeps_what_nobody_sees(play, namespace, tmp_path):
    code, output = play(asked(namespace, return_files=True, hosts=HOSTS), kept(tmp_path / "told"))
    assert code == 0, output
    told = json.loads((tmp_path / "told").read_text(encoding="utf-8"))["hosts"]
    token = told["a"]["files"]["istio-token"]
    assert token.count(".") == 2
    assert token not in output
    assert token.split(".")[2] not in output
    assert "ISTIO_META_AUTO_REGISTER_GROUP" not in output, "nothing of the files is shown"
    assert (told["b"]["token_needed"], "istio-token" in told["b"]["files"]) == (True, False)
    assert "ISTIO_SVC_IP='192.0.2.11'" in told["a"]["files"]["cluster.env"]


def test_check_mode_issues_no_token(play, namespace, tmp_path):
    code, output = play(asked(namespace, return_files=True, hosts=HOSTS), kept(tmp_path / "told"), check=True)
    assert code == 0, output
    told = json.loads((tmp_path / "told").read_text(encoding="utf-8"))["hosts"]
    assert [(item["token_needed"], item["token_expires"]) for item in told.values()] == [(True, "")] * 2
    assert all("istio-token" not in item["files"] for item in told.values())


def test_what_templates_make_of_types(play, namespace, tmp_path):
    """Older cores make texts of what templates say."""
    hosts = [{"host": "a", "issue_token": "no", "token_seconds": "700", "exclude_inbound_ports": "2222,2223"}]
    code, output = play(asked(namespace, return_files="yes", hosts=hosts), kept(tmp_path / "told"))
    assert code == 0, output
    told = json.loads((tmp_path / "told").read_text(encoding="utf-8"))["hosts"]["a"]
    assert "istio-token" not in told["files"]
    assert "ISTIO_LOCAL_EXCLUDE_PORTS='22,15090,15021,15020,2222,2223'" in told["files"]["cluster.env"]


def test_who_waits_sees_for_what(play, namespace):
    awaited = {"namespace": namespace, "expect": "present", "addresses": ["192.0.2.11"], "wait_timeout": 6}
    code, output = play({"meshops.mesh.workload_info": awaited})
    assert code == 2
    assert "localhost: waiting for 1 of 1 hosts, 5 s: 192.0.2.11 has no WorkloadEntry" in output
    assert "1 of 1 hosts have not joined after 6 s: 192.0.2.11 has no WorkloadEntry" in output


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"return_files": True, "hosts": [{"host": "a", "group": "none"}]}, "a: WorkloadGroup {ns}/none: is not there"),
        ({"return_files": True, "hosts": [{"group": "ratings"}]}, "hosts[0].host: is required"),
        ({"return_files": True, "hosts": [{"host": "a"}, {"host": "a"}]}, "is the name of another host, too: a"),
        ({"return_files": True, "hosts": [{"host": "a", "adress": "x"}]}, "a: adress: is not an option"),
        (
            {"return_files": True, "hosts": [{"host": n, "internal_address": "10.0.0.1"} for n in "ab"]},
            "b: has the address 10.0.0.1 of a",
        ),
        ({"hosts": [{"host": "a"}]}, "hosts: needs return_files"),
        ({"return_files": "perhaps"}, "return_files: must be true or false"),
    ],
)
def test_errors_are_seen(play, namespace, more, text):
    code, output = play(asked(namespace, **more))
    assert code == 2
    assert text.format(ns=namespace) in output
    assert "Traceback" not in output
