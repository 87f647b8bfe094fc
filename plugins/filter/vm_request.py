# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask of the API for a host."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: vm_request
short_description: What to ask of the API for a host that joins a mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Of the variables of the role C(vm_workload) and of what M(meshops.mesh.vm_host) tells of a host, makes an item of
    C(hosts) of C(meshops.mesh.vm_bootstrap).
options:
  _input:
    description: The role's variables without their prefix.
    type: dict
    required: true
  host:
    description: What M(meshops.mesh.vm_host) returned.
    type: dict
    required: true
  name:
    description: What the host is called.
    type: str
    required: true
"""

EXAMPLES = r"""
---
- name: An item of hosts
  ansible.builtin.debug:
    msg: "{{ vm_workload_wanted | meshops.mesh.vm_request(host=vm_workload_host, name=inventory_hostname) }}"
"""

RETURN = r"""
---
_value:
  description: The item; every SSH port of the host is among its excluded ports.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.meshops.mesh.plugins.plugin_utils.joining import request


def vm_request(wanted: Mapping[str, Any], host: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The item."""
    return request(wanted, host, name)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Filters by name."""
        return {"vm_request": vm_request}
