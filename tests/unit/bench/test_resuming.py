# SPDX-License-Identifier: Apache-2.0
"""When a benchmark goes on, and when it begins anew."""

from __future__ import annotations

import pytest

from bench.results import Result, Results
from bench.resuming import begun, code, measured

ABOUT = {"command": "make bench", "date": "2026-01-01", "cores": 2, "rounds": 5, "code": "abc"}
PARTS = ["a300", "b", "c"]


def run(series):
    return Result(series, "ours", "create", 1, 1.0, 1.0, 1, 1, 1, 1, 1)


def saved(tmp_path, *series, about=None, notes=None):
    path = tmp_path / "results.json"
    Results({**ABOUT, **(about or {})}, notes or {}, [run(name) for name in series]).save(path)
    return path


@pytest.mark.parametrize(
    ("series", "about", "notes", "goes_on"),
    [
        (["a300"], {}, {}, True),
        (["a300", "b"], {"date": "2026-01-02", "command": "make bench ARGS=b"}, {}, True),
        ([], {}, {}, False),
        (["a300", "b", "c"], {}, {}, False),  # that one was whole
        (["a300", "d"], {}, {}, False),  # other parts were asked for
        (["a300"], {"code": "other"}, {}, False),
        (["a300"], {"rounds": 1}, {}, False),
        (["a300"], {}, {"failures": ["b, helm: no"]}, False),
    ],
)
def test_an_interrupted_run_goes_on(tmp_path, series, about, notes, goes_on):
    found = begun(saved(tmp_path, *series, about=about, notes=notes), ABOUT, PARTS)
    assert (measured(found) == {*series}) if goes_on else found is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json"])
def test_what_cannot_be_read_is_begun_anew(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    assert begun(path, ABOUT, PARTS) is None


def test_there_may_be_nothing(tmp_path):
    assert begun(tmp_path / "none", ABOUT, PARTS) is None


def test_the_code_has_a_digest():
    assert code() == code()
    assert len(code()) == 64
