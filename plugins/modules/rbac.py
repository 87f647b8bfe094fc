# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rbac
short_description: Derive the least permissions that declarations need
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Tells by which ClusterRoles and Roles an account can bring declarations about, keep them, and take them away, and do
    nothing else.
  - Every operation is run on an imagined copy of the cluster, which notes what each of its requests needs; so it works
    before anything is installed, and also after.
  - Writes nothing. It reads what the operations read, so it is run once by somebody who may.
extends_documentation_fragment:
  - meshops.mesh.rbac
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: Roles of the account that keeps the shop's rules
  meshops.mesh.rbac:
    declarations:
      - control_plane: "{{ control_plane_list }}"
      - injection: {namespaces: [shop]}
      - config_set: {name: shop, namespace: shop, objects: "{{ shop_objects }}"}
    subject: {name: mesh, namespace: automation}
  register: rbac

- name: A file for kubectl apply
  ansible.builtin.copy:
    content: "{{ rbac.yaml }}"
    dest: roles.yml
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
---
objects:
  description:
    - Namespaces that the roles are in, ClusterRoles, Roles, and with O(subject) their bindings.
    - The roles named C(<name>-grants) hold what must be had only because roles that the declarations make give it.
  type: list
  elements: dict
  returned: success
yaml:
  description: The same as YAML documents.
  type: str
  returned: success
queried:
  description: What O(query) finds.
  type: raw
  returned: when O(query) is set
error:
  description: What went wrong.
  type: dict
  returned: failure
  contains:
    code: {description: "Which error it is; see docs/errors.md.", type: str}
    msg: {description: What is wrong., type: str}
    hint: {description: What to do; empty where nothing can be said., type: str}
    where: {description: "Cluster, and object or option.", type: str}
    applied: {description: Objects that were written before., type: list, elements: str}
    pending: {description: Objects that were not., type: list, elements: str}
"""

from ansible_collections.meshops.mesh.plugins.module_utils._ansible import run_module


def main() -> None:
    """Run the operation."""
    run_module("rbac")


if __name__ == "__main__":
    main()
