# SPDX-License-Identifier: Apache-2.0
"""Runs that end badly: killed half-way, an image that is not there, and modules instead of action plugins."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from mesh.model.errors import MeshError

from .conftest import INVENTORY


def test_killed_at_any_moment_the_next_run_converges(play, automation, core):
    command = ["ansible-playbook", "-i", str(INVENTORY), "-e", f"@{automation.variables}"]
    command += ["meshops.mesh.site", "--limit", "cloud"]
    for seconds in (2.0, 3.5):
        for name in ("shop-traffic", "shop"):
            core("cloud", "config_set", {"name": name, "namespace": "shop"}, "absent")
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        again = play("meshops.mesh.site", "--limit", "cloud")
        assert again.code == 0, again.output
        assert play("meshops.mesh.site", "--limit", "cloud").changed == {"cloud": 0}


def test_an_image_that_is_not_there_ends_the_wait_early_and_says_why(core):
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "broken"},
        "spec": {
            "selector": {"matchLabels": {"app": "broken"}},
            "template": {
                "metadata": {"labels": {"app": "broken", "sidecar.istio.io/inject": "false"}},
                "spec": {"containers": [{"name": "app", "image": "meshops.invalid/nowhere:1"}]},
            },
        },
    }
    declared = {"name": "broken", "namespace": "default", "objects": [deployment]}
    started = time.monotonic()
    with pytest.raises(MeshError) as caught:
        core("onprem", "config_set", declared, wait_timeout=120)
    assert time.monotonic() - started < 90
    assert caught.value.code == "not_ready"
    assert "container app: " in caught.value.msg
    assert "ImagePull" in caught.value.msg
    assert caught.value.applied == ["Deployment default/broken"]
    core("onprem", "config_set", declared, "absent")


def test_modules_give_the_same_result_as_action_plugins(play):
    played = play("meshops.mesh.site", "-e", "meshops_in_process=false")
    assert played.code == 0, played.output
    assert played.changed == {"onprem": 0, "cloud": 0}
    assert "onprem: no changes, 34 objects as declared" in played.output
