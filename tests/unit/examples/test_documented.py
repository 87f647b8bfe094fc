# SPDX-License-Identifier: Apache-2.0
"""No example is left out: each task of each EXAMPLES block stands in a table of those that are run."""

from __future__ import annotations

import pytest

from tests.examples.documented import ON_A_HOST, ON_A_MESH, ON_AN_API_SERVER, WITH_HOSTS, examples, modules, returns
from tests.examples.returned import WITH_STATE


@pytest.mark.parametrize("module", modules())
def test_each_example_is_run_somewhere(module):
    tables = (ON_AN_API_SERVER, ON_A_MESH, ON_A_HOST, WITH_HOSTS)
    run = {name for table in tables for name in table.get(module, ())}
    names = [task["name"] for task in examples(module)]
    assert set(names) == run
    assert len(names) == len(run), "two tasks have the same name"


def test_the_tables_name_modules_that_are_there():
    assert {*ON_AN_API_SERVER, *ON_A_MESH, *ON_A_HOST, *WITH_HOSTS} == {*modules()}


ENDS = ("always", "success", "failure", "when O(query) is set")
#: What a host gets is returned, or written there; of many hosts, of each.
OF_HOSTS = (
    "success, of one host",
    "success, with O(return_files)",
    "success, with O(hosts)",
    "success, where it writes",
)


@pytest.mark.parametrize("module", modules())
def test_what_is_returned_says_its_type_and_when(module):
    for key, told in returns(module).items():
        assert told["returned"] in (*ENDS, *OF_HOSTS, WITH_STATE.format("present"), WITH_STATE.format("rendered")), key
        assert told["type"] != "list" or told["elements"], key
