# SPDX-License-Identifier: Apache-2.0
"""The catalogue of faults and inputs is whole, names tests that are there, and its page is fresh."""

from __future__ import annotations

import pytest

from tests.catalogue import FAULTS, INPUTS, Row, complaints, exists, main


@pytest.mark.parametrize(("rows", "count"), [(FAULTS, 58), (INPUTS, 45)])
def test_every_row_has_tests_that_exist_or_a_reason(rows, count):
    assert complaints(rows, count) == []


HERE = "tests/unit/test_catalogue.py::test_every_row_has_tests_that_exist_or_a_reason"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (Row(1, "x"), "1: needs either tests or a reason"),
        (Row(1, "x", (HERE,), reason="both"), "1: needs either tests or a reason"),
        (Row(1, "x", (f"{HERE}_not",)), f"1: there is no test {HERE}_not"),
        (Row(1, "x", ("tests/unit/nowhere.py::test_a",)), "1: there is no test tests/unit/nowhere.py::test_a"),
        (Row(1, "x", (HERE,), ("nokind",)), "1: there is no kind nokind"),
        (Row(2, "x", (HERE,)), "number 2 in place 1"),
    ],
)
def test_what_is_wrong_is_found(row, complaint):
    assert complaints([row], 1) == [complaint]


def test_a_helper_is_no_test():
    assert exists(HERE)
    assert not exists("tests/catalogue.py::main")


def test_the_page_is_fresh():
    assert main(["--check"]) == 0
