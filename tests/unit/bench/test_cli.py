# SPDX-License-Identifier: Apache-2.0
"""What the arguments of `make bench` mean."""

from __future__ import annotations

import pytest

from bench.cli import _parser, chosen

ALL = ["a300", "a5000", "a50ms", "a150ms", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [([], ALL), (["a"], ALL[:4]), (["a300", "c"], ["a300", "c"]), (["c", "b", "--rounds", "1"], ["b", "c"])],
)
def test_parts(arguments, parts):
    assert chosen(_parser().parse_args(arguments).parts) == parts


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        _parser().parse_args(["z"])
    assert "z is none of a, a300" in capsys.readouterr().err
