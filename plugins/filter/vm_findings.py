# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a host's joining."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: vm_findings
short_description: Why a host cannot join a mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Compares what M(meshops.mesh.vm_host) tells of a host with what joining needs.
options:
  _input:
    description: What M(meshops.mesh.vm_host) returned.
    type: dict
    required: true
  wanted:
    description: The variables of the role C(vm_workload) without their prefix.
    type: dict
    required: true
  answer:
    description: What C(meshops.mesh.vm_bootstrap) answered for the host; with it RV(meshops.mesh.vm_host#module:reach)
      is looked at, and nothing else.
    type: dict
"""

EXAMPLES = r"""
---
- name: The host can join
  ansible.builtin.assert:
    that: (host | meshops.mesh.vm_findings(wanted)).refusals | length == 0
"""

RETURN = r"""
---
_value:
  description: Lines for people, each with what is wrong, where, and what to do.
  type: dict
  contains:
    refusals: {description: What must be mended first., type: list, elements: str}
    warnings: {description: What is worth knowing., type: list, elements: str}
    installs: {description: Whether the agent is to be installed., type: bool}
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.meshops.mesh.plugins.plugin_utils.joining import findings, installs, later_findings


def vm_findings(
    host: Mapping[str, Any], wanted: Mapping[str, Any], answer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The lines."""
    found = findings(wanted, host) if answer is None else later_findings(wanted, host, answer)
    return {
        "refusals": [str(finding) for finding in found if finding.fatal],
        "warnings": [str(finding) for finding in found if not finding.fatal],
        "installs": installs(wanted, host),
    }


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Filters by name."""
        return {"vm_findings": vm_findings}
