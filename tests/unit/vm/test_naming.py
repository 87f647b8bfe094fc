# SPDX-License-Identifier: Apache-2.0
"""/etc/hosts with our block and without, byte for byte."""

from __future__ import annotations

import pytest
from _vm.naming import BEGIN, END, Entry, others, ours, within, without
from hypothesis import given
from hypothesis import strategies as st

ONE = [Entry("10.0.0.1", "istiod.istio-system.svc")]
LINES = st.lists(st.sampled_from(["127.0.0.1 localhost", "# comment", "", "::1 ip6", "10.0.0.9 db\t# x"]), max_size=6)


@given(LINES, st.booleans(), st.lists(st.sampled_from([*ONE, Entry("::1", "b")]), min_size=1, max_size=3))
def test_what_was_there_comes_back(lines, ends, entries):
    text = "\n".join(lines) + ("\n" if ends else "")
    once = within(text, entries)
    assert within(once, entries) == once
    assert within(within(text, ONE), entries) == once
    assert without(once) == text


def test_the_block():
    assert (
        within("127.0.0.1 localhost\n", ONE)
        == f"127.0.0.1 localhost\n{BEGIN}\n10.0.0.1 istiod.istio-system.svc\n{END}\n"
    )


def test_what_the_block_says():
    two = [*ONE, Entry("::1", "b")]
    assert ours(within("10.0.0.9 istiod.istio-system.svc\n", two) + "10.0.0.8 c\n") == two
    assert ours(within("a", ONE)) == ONE
    assert ours("10.0.0.9 db\n") == ours("") == ours(f"{BEGIN}\n10.0.0.1 x\n") == []


def test_what_others_wrote_below_stays():
    assert without(within("a\n", ONE) + "b\n") == "a\nb\n"


def test_a_block_that_was_cut_off_takes_nothing_else_along():
    assert without(f"a\n{BEGIN}\n10.0.0.1 x\nb\n") == "a\n10.0.0.1 x\nb\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.1.1.1 other istiod.istio-system.svc # old\n", ["10.1.1.1"]),
        ("# 10.1.1.1 istiod.istio-system.svc\n", []),
        (within("", ONE), []),
        ("10.1.1.1 istiod.istio-system.svc.cluster.local\n", []),
    ],
)
def test_what_others_say_of_a_name(text, found):
    assert [item.address for item in others(text, "istiod.istio-system.svc")] == found
