# SPDX-License-Identifier: Apache-2.0
"""Patterns of RE2: an answer only where Python's is surely the same, and in no time."""

from __future__ import annotations

import time

import pytest
from mesh.plan.patterns import found

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DOMAIN = rf"^(\*\.)?{LABEL}(\.{LABEL})*$"
KEY = rf"^({LABEL}(\.{LABEL})*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"


@pytest.mark.parametrize(
    ("pattern", "text", "answer"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("", "", True),
        (DOMAIN, "shop.example.com", True),
        (DOMAIN, "*.example.com", True),
        (DOMAIN, "shop_.example.com", False),
        (KEY, "example.com/name", True),
        (KEY, "example..com/name", False),
        (r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$", "x-user", True),
        (r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$", "x user", False),
        (r"(^$|^[a-f0-9]{64}$)", "abc", False),
        (r"^(?:ab)+$", "abab", True),
        (r"^(?:ab)+$", "aba", False),
        # What Python cannot read, or reads otherwise.
        (r"^\pL+$", "abc", None),
        (r"^\p{Greek}$", "abc", None),
        (r"^[[:alpha:]]+$", "abc", None),
        (r"^\Qa.b\E$", "a.b", None),
        (r"a{,2}", "aaa", None),
        (r"^\1", "a", None),
        (r"(?U)a+", "a", None),
        ("(", "(", None),
        # What they may see otherwise.
        ("^a$", "a\n", None),
        (r"^\w+$", "\u00e4", None),
        ("^a*$", "a" * 300, None),
    ],
)
def test_found(pattern, text, answer):
    assert found(pattern, text) is answer


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^[!-~]+([\t ]?[!-~]+)*$", "a" * 60 + "  b"),
        (r"^(a+)+$", "a" * 60 + "b"),
        (r"^(a|a)*$", "a" * 60 + "b"),
        (r"^(a?a?)*$", "a" * 60 + "b"),
        (r"^((?:a+){1,})$", "a" * 60 + "b"),
        (r"^(\.[.a]*)*$", "." * 60 + "b"),
        (r"^(\.[^a]*)*$", "." * 60 + "a"),
        (r"^(\.[+-z]*)*$", "." * 60 + "A "),
        (r"^(\.a*(\.a*)*)*$", "." * 60 + "b"),
        (r"^(?P<x>a+)*$", "a" * 60 + "b"),
        (r"^([(]a*)*$", "(" * 60 + "b"),
    ],
)
def test_what_goes_back_and_forth_is_not_even_tried(pattern, text):
    assert found(pattern, text) is None


@pytest.mark.parametrize("text", ["a" * 250 + "_", "a." * 120 + "_", "a-" * 120 + "."])
@pytest.mark.parametrize("pattern", [DOMAIN, KEY])
def test_what_is_tried_takes_no_time(pattern, text):
    started = time.process_time()
    assert found(pattern, text) is False
    assert time.process_time() - started < 0.5
