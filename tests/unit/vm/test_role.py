# SPDX-License-Identifier: Apache-2.0
"""What the role vm_workload makes of its variables before it looks at a host, by ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROLE = Path(__file__).resolve().parents[3] / "roles" / "vm_workload"
HOST = {"ansible_connection": "local", "vm_workload_group": "ratings", "vm_workload_namespace": "shop"}


def played(directory, playbook, clusters, *arguments):
    """Exit code and output of a playbook on one host; nobody may ask the cluster of a kubeconfig's current context."""
    groups = {"mesh_vms": {"hosts": {"vm": HOST}}, "mesh_clusters": {"hosts": dict.fromkeys(clusters)}}
    (directory / "hosts.json").write_text(json.dumps(groups), encoding="utf-8")
    env = {**os.environ, "KUBECONFIG": os.devnull, "ANSIBLE_NOCOLOR": "1"}
    command = ["ansible-playbook", "-i", "hosts.json", playbook, *arguments]
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("playbook", ["join_vm", "leave_vm", "verify_vm"])
@pytest.mark.parametrize(
    ("cluster", "line"),
    [
        ("onpram", "vm_workload_cluster: onpram is no host of mesh_clusters (one of onprem, cloud)"),
        ("", "vm_workload_cluster: must be said where mesh_clusters has several hosts (one of onprem, cloud)"),
    ],
)
def test_a_cluster_that_is_none_is_refused(tmp_path, playbook, cluster, line):
    code, output = played(
        tmp_path, f"meshops.mesh.{playbook}", ["onprem", "cloud"], "-e", f"vm_workload_cluster={cluster}"
    )
    assert code == 2
    assert line in output
    assert "Look at the host" not in output


def test_ports_as_older_cores_and_the_command_line_give_them(tmp_path):
    """A text has letters, and its digits are no ports."""
    told = {"a": "9118", "b": "9118, 22", "c": 9118, "d": [9118, 22], "e": [], "f": ""}
    tasks = [
        {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")},
        *(
            {
                "ansible.builtin.debug": {"msg": f"{name}={{{{ vm_workload_bypassed | to_json }}}}"},
                "vars": {"vm_workload_exclude_inbound_ports": ports},
            }
            for name, ports in told.items()
        ),
    ]
    (tmp_path / "play.yml").write_text(
        json.dumps([{"hosts": "vm", "gather_facts": False, "tasks": tasks}]), encoding="utf-8"
    )
    code, output = played(tmp_path, "play.yml", [])
    assert code == 0, output
    for line in ("a=[9118]", "b=[9118, 22]", "c=[9118]", "d=[9118, 22]", "e=[]", "f=[]"):
        assert f'"{line}"' in output
