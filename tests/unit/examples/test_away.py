# SPDX-License-Identifier: Apache-2.0
"""Each module built, sent and started by Ansible as a module, as on hosts whose connection is not local."""

from __future__ import annotations

from tests.examples.away import AWAY, CODE, OPTIONS, tasks
from tests.examples.documented import operations, ours
from tests.examples.playing import Stage, play_check


def test_every_module_is_asked():
    assert sorted(OPTIONS) == operations()


def test_each_runs_as_a_module(tmp_path):
    """What it imports is there, and what is wrong is told as by the action plugin."""
    played = play_check(tasks(), Stage(AWAY), tmp_path)
    told = {ours(item.task): item.told.get("error", item.told) for item in played}
    assert {name: error.get("code", error) for name, error in told.items()} == dict.fromkeys(OPTIONS, CODE)
