# SPDX-License-Identifier: Apache-2.0
"""What is generated is fresh, and every operation is announced everywhere."""

from __future__ import annotations

from pathlib import Path

import yaml
from mesh.operations.registry import OPERATIONS

from generate.files import generated

ROOT = Path(__file__).resolve().parents[2]


def test_generated_files_are_fresh():
    stale = [path for path, text in generated().items() if (ROOT / path).read_text() != text]
    assert stale == []


def test_no_role_describes_itself_by_templates():
    """Ansible evaluates a role's argument spec, the descriptions in it, too."""
    specs = {path: text for path, text in generated().items() if path.endswith("argument_specs.yml")}
    assert [path for path, text in specs.items() if "{{" in text] == []


def test_every_operation_has_a_module_and_is_in_the_action_group():
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["mesh"]
    for name in OPERATIONS:
        assert name in group
        assert (ROOT / "plugins" / "modules" / f"{name}.py").is_file()
