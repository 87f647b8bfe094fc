# SPDX-License-Identifier: Apache-2.0
"""A campaign goes on where it stopped, while the code is the same."""

from __future__ import annotations

import pytest

from tests.faults import progress
from tests.faults.campaign import Verdict
from tests.faults.cases import case_of
from tests.faults.engine import Ended


@pytest.fixture(autouse=True)
def directory(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "DIRECTORY", tmp_path / "faults")
    return tmp_path / "faults"


def verdict(index):
    return Verdict(case_of(f"config_set:S1:S2:{index}:403"), "GET /a", Ended(seconds=1.0), [])


def test_it_goes_on_with_what_was_judged(directory):
    assert progress.begun(None) is None
    begun = progress.anew(7)
    for index in (1, 2):
        progress.note(directory / "one.jsonl", verdict(index))
    progress.note(directory / "two.jsonl", verdict(3))
    begun.keep(12.0)
    found = progress.begun(None)
    assert (found.seed, found.seconds) == (7, 12.0)
    assert found.verdicts() == [verdict(index) for index in (1, 2, 3)]
    assert progress.begun(7) is not None
    assert progress.begun(8) is None
    found.forget()
    assert progress.begun(None) is None


def test_a_line_that_was_cut_off_is_judged_again(directory):
    progress.anew(7)
    progress.note(directory / "one.jsonl", verdict(1))
    with (directory / "one.jsonl").open("a") as file:
        file.write('{"case": {"workl')
    assert progress.begun(None).verdicts() == [verdict(1)]


def test_other_code_begins_anew(directory, monkeypatch):
    progress.anew(7)
    monkeypatch.setattr(progress, "_digest", lambda: "other")
    assert progress.begun(None) is None
