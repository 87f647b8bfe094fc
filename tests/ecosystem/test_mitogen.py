# SPDX-License-Identifier: Apache-2.0
"""The same playbook with Mitogen's strategy and without; on a cluster see tests/api/test_mitogen.py."""

from __future__ import annotations

from pathlib import Path

from tests.examples.away import CODE

from .mitogen import variables
from .playing import play


def test_the_strategy_changes_nothing(tmp_path: Path) -> None:
    plain = play(tmp_path / "plain", ["ansible-playbook"], variables())
    found = play(tmp_path / "mitogen", ["ansible-playbook"], variables("mitogen_linear"))
    assert found.codes() == {CODE}
    assert found.files
    assert found == plain
