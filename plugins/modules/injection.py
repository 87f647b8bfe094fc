# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: injection
short_description: Say how the pods of namespaces join the mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Keeps the label that makes a revision inject sidecars, makes ztunnel redirect, or keeps pods out.
  - Running pods are not touched, unless O(restart) says so; those with another proxy are listed.
extends_documentation_fragment:
  - meshops.mesh.injection
  - meshops.mesh.run
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: Pods of the shop get a sidecar
  meshops.mesh.injection:
    namespaces: [shop]

- name: By revision tag
  meshops.mesh.injection:
    namespaces: [shop]
    revision: prod
  when: use_tags | default(false)

- name: After the tag has moved, workloads with the old proxy restart, two at a time
  meshops.mesh.injection:
    namespaces: [shop]
    revision: prod
    restart: true
    restart_at_once: 2
  when: use_tags | default(false)

- name: The shop leaves the mesh
  meshops.mesh.injection:
    namespaces: [shop]
    state: absent
"""

RETURN = r"""
---
revision: {description: The revision that the label resolves to., type: str, returned: "success, with O(state=present)"}
stale:
  description: Pods that still run another revision's or version's proxy, as C(namespace/name).
  type: list
  elements: str
  returned: success, with O(state=present)
changed:
  description: Whether anything was, or in check mode would be, written.
  type: bool
  returned: always
objects:
  description: Every object that is created, updated, deleted, released or kept although it should go.
  type: list
  elements: dict
  returned: success
  contains:
    kind: {description: Kind., type: str}
    namespace: {description: Namespace; empty for cluster-scoped objects., type: str}
    name: {description: Name., type: str}
    action: {description: "V(create), V(update), V(delete), V(release), V(keep) or V(restart).", type: str}
    fields: {description: Paths of the fields that differ., type: list, elements: str}
    reason: {description: Why., type: str, returned: where it is not plain}
unchanged:
  description: Number of objects that are as declared.
  type: int
  returned: success
ready:
  description: Whether everything is ready; in check mode, whether it is as declared.
  type: bool
  returned: success
plan:
  description: The plan as people read it, line by line.
  type: list
  elements: str
  returned: always
files:
  description: Files below O(dest), sorted.
  type: list
  elements: str
  returned: success, with O(state=rendered)
images:
  description: All container images, those of injected proxies too.
  type: list
  elements: str
  returned: success, with O(state=rendered)
secrets:
  description: Secrets, which are not written, each with C(namespace), C(name) and C(keys).
  type: list
  elements: dict
  returned: success, with O(state=rendered)
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
    run_module("injection")


if __name__ == "__main__":
    main()
