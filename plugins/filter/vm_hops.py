# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host is in the mesh, hop by hop."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: vm_hops
short_description: Whether a host is in the mesh, hop by hop
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Walks the way by which a host is in a mesh, from its clock and istiod's name to the version of its agent, and names
    the first hop that is broken.
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
    description: What C(meshops.mesh.vm_bootstrap) answered for hosts of the group, or how it failed.
    type: dict
    required: true
  seen:
    description: What C(meshops.mesh.workload_info) told of the group's namespace, or how it failed.
    type: dict
    required: true
  revisions:
    description: Control planes as C(meshops.mesh.mesh_info) tells of them.
    type: list
    elements: dict
    default: []
  name:
    description: What the host is called.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: Every hop works
  ansible.builtin.assert:
    that: verdict.healthy
    fail_msg: "{{ verdict.broken }}"
  vars:
    verdict: "{{ host | meshops.mesh.vm_hops(wanted, answer=answer, seen=seen, name=inventory_hostname) }}"
"""

RETURN = r"""
---
_value:
  description: The verdict.
  type: dict
  contains:
    healthy: {description: Whether every hop works., type: bool}
    broken:
      description: The first one that does not, with what is wrong and what to do; empty where all do.
      type: str
    evidence:
      description: "Each hop: C(hop), C(about), C(passed), C(text), C(remedy)."
      type: list
      elements: dict
    lines: {description: The same as lines for people., type: list, elements: str}
    metrics: {description: "The same as gauges in Prometheus' text format.", type: str}
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.meshops.mesh.plugins.plugin_utils.hops import judged, verdict


def vm_hops(
    host: Mapping[str, Any],
    wanted: Mapping[str, Any],
    *,
    answer: Mapping[str, Any],
    seen: Mapping[str, Any],
    name: str,
    revisions: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The verdict, now."""
    return verdict(judged(host, wanted, answer, seen, revisions, datetime.datetime.now(datetime.UTC)), name)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Filters by name."""
        return {"vm_hops": vm_hops}
