# SPDX-License-Identifier: Apache-2.0
"""The playbooks bring about, render, take away and ask rights for all that a declaration may have, in its order."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from mesh.model.declaration import ORDER
from mesh.operations.registry import OPERATIONS

ROOT = Path(__file__).resolve().parents[2]
#: What can be written down without a cluster.
RENDERED = tuple(name for name in ORDER if getattr(OPERATIONS[name], "renders", False))


def play(name):
    (found,) = yaml.safe_load((ROOT / "playbooks" / f"{name}.yml").read_text(encoding="utf-8"))
    return found


def roles(name):
    imported = (task.get("ansible.builtin.import_role") for task in play(name)["tasks"])
    return [role["name"].removeprefix("meshops.mesh.") for role in imported if role]


@pytest.mark.parametrize(("name", "order"), [("site", ORDER), ("render", RENDERED), ("uninstall", ORDER[::-1])])
def test_every_operation_in_its_order(name, order):
    assert roles(name) == list(order)


@pytest.mark.parametrize(("name", "state", "order"), [("render", "rendered", RENDERED), ("uninstall", "absent", ORDER)])
def test_every_role_is_told_the_state(name, state, order):
    variables = play(name)["vars"]
    assert {operation: variables.get(f"{operation}_state") for operation in order} == dict.fromkeys(order, state)


def test_rights_are_derived_for_every_operation():
    derived = play("rbac")["tasks"][0]["meshops.mesh.rbac"]["declarations"]
    assert [name for item in derived for name in item if name in ORDER] == list(ORDER)


def test_the_inventory_plugin_documents_every_operation():
    source = (ROOT / "plugins" / "inventory" / "declaration.py").read_text(encoding="utf-8")
    documented = yaml.safe_load(source.split('r"""')[1].split('"""')[0])["options"]
    assert [name for name in documented if name in ORDER] == list(ORDER)
