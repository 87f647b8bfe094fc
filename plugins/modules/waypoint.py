# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: waypoint
short_description: Run a waypoint for ambient workloads
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Declares a Gateway of the Gateway API for which istiod runs layer 7 proxies, and labels the namespaces that use it.
  - Needs ambient (profile C(ambient)) and the definitions of the Gateway API (M(meshops.mesh.gateway_api)).
extends_documentation_fragment:
  - meshops.mesh.waypoint
  - meshops.mesh.run
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: Requests between services of the shop are authorized by path and method
  meshops.mesh.waypoint:
    namespace: shop
    namespaces: [shop]

- name: One waypoint for several namespaces
  meshops.mesh.waypoint:
    namespace: infra
    name: shared
    namespaces: [orders, billing]
    traffic: all
    replicas: 2

- name: The shop does without
  meshops.mesh.waypoint:
    namespace: shop
    state: absent
"""

RETURN = r"""
---
addresses:
  description: Where it is reached inside the cluster.
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
    run_module("waypoint")


if __name__ == "__main__":
    main()
