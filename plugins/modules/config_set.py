# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: config_set
short_description: Keep a named set of objects
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Keeps any objects as declared, in a good order, owned by the set, and prunes what leaves the declaration.
extends_documentation_fragment:
  - meshops.mesh.config_set
  - meshops.mesh.run
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: Traffic rules of the shop
  meshops.mesh.config_set:
    name: shop-traffic
    namespace: shop
    objects:
      - apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata:
          name: reviews
        spec:
          host: reviews
          subsets:
            - name: v1
              labels:
                version: v1

- name: Objects from a directory of files, and from a template
  meshops.mesh.config_set:
    name: shop-traffic
    namespace: shop
    src: [traffic]
    template: [gateway.yml.j2]

- name: The same as manifests for Argo CD or Flux
  meshops.mesh.config_set:
    name: shop-traffic
    namespace: shop
    src: [traffic]
    template: [gateway.yml.j2]
    state: rendered
    dest: rendered/onprem

- name: Remove all of it
  meshops.mesh.config_set:
    name: shop-traffic
    namespace: shop
    state: absent
"""

RETURN = r"""
---
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
    action: {description: "V(create), V(update), V(delete), V(release) or V(keep).", type: str}
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
    run_module("config_set")


if __name__ == "__main__":
    main()
