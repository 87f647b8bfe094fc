# SPDX-License-Identifier: Apache-2.0
"""A set that is made with Mitogen's strategy is as declared for others, whichever way tasks run."""

from __future__ import annotations

from tests.ecosystem.mitogen import variables
from tests.examples.playing import Stage, play_check, play_twice

from .conftest import API, config_map


def test_what_mitogen_made_is_as_declared(lab, namespace, tmp_path, monkeypatch):
    options = {"name": namespace, "namespace": namespace, "objects": [config_map("one", a="1")]}
    tasks = [{"name": "A set", "meshops.mesh.config_set": options}]
    stage = Stage({"kubeconfig": str(lab.kubeconfig), "context": API})
    with monkeypatch.context() as patch:
        for name, value in variables("mitogen_linear").items():
            patch.setenv(name, value)
        (made,) = play_twice(tasks, stage, tmp_path)
        (as_module,) = play_check(tasks, stage, tmp_path)
    (plain,) = play_twice(tasks, stage, tmp_path)
    assert [*made.complaints(), *as_module.complaints()] == []
    assert made.done["changed"]
    assert [result["changed"] for result in (as_module.told, plain.told, plain.done)] == [False] * 3
