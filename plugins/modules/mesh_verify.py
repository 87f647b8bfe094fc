# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mesh_verify
short_description: Prove that a mesh works
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Follows the way that a request takes through the mesh, whoever installed it, and names the first hop that is broken.
  - Injection and validation are tried by dry runs, and where mTLS is required, a pod is called in plain text by the API
    server. Nothing is written.
  - What it finds is a result, not a failure; the playbook C(meshops.mesh.verify) fails for it.
extends_documentation_fragment:
  - meshops.mesh.mesh_verify
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: Look and try
  meshops.mesh.mesh_verify:
  register: proof

- name: The mesh works
  ansible.builtin.assert:
    that: proof.healthy
    fail_msg: "{{ proof.broken }}"

- name: The same, and the shop's ratings have a host outside Kubernetes that is connected
  meshops.mesh.mesh_verify:
    workload_groups: [shop/ratings]
"""

RETURN = r"""
---
healthy:
  description: Whether everything passed.
  type: bool
  returned: success
broken:
  description: The first hop that did not pass, and why; empty when there is none.
  type: str
  returned: success
evidence:
  description: Everything that was looked at, in the order of the way that a request takes.
  type: list
  elements: dict
  returned: success
  contains:
    hop:
      description:
        - C(control-plane), C(injection), C(validation), C(tag), C(proxies), C(workloads), C(gateway) or C(mtls).
      type: str
    about: {description: What was looked at., type: str}
    passed: {description: Whether it is as it should be., type: bool}
    text: {description: What was found., type: str}
queried:
  description: What O(query) finds.
  type: raw
  returned: when O(query) is set
error:
  description: "What went wrong: C(code) (see docs/errors.md), C(msg), C(hint), C(where)."
  type: dict
  returned: failure
"""

from ansible_collections.meshops.mesh.plugins.module_utils._ansible import run_module


def main() -> None:
    """Run the operation."""
    run_module("mesh_verify")


if __name__ == "__main__":
    main()
