# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: workload_group
short_description: Declare hosts outside Kubernetes that run the same workload
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Declares a WorkloadGroup with the ServiceAccount whose identity its hosts have, and optionally the Service or the
    host names of the mesh under which they are called.
  - Hosts join the group by the role P(meshops.mesh.vm_workload#role), or by what M(meshops.mesh.vm_bootstrap) writes;
    istiod then makes a WorkloadEntry of each. Hosts without an agent are O(entries).
extends_documentation_fragment:
  - meshops.mesh.workload_group
  - meshops.mesh.run
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: The shop's ratings run on virtual machines
  meshops.mesh.workload_group:
    name: ratings
    namespace: shop
    labels:
      version: v1
    ports:
      http: 9080
    probe:
      http_get:
        port: 9080
        path: /health
    service:
      ports:
        - port: 9080

- name: A database in a network of its own, called by a name of the mesh
  meshops.mesh.workload_group:
    name: orders-db
    namespace: shop
    service_account: orders-db
    network: dc2
    service_entry:
      hosts: [orders-db.shop.example.com]
      ports:
        - port: 3306
          protocol: MYSQL

- name: Hosts without an agent
  meshops.mesh.workload_group:
    name: legacy
    namespace: shop
    service:
      ports:
        - port: 8080
    entries:
      - name: legacy-1
        address: 192.0.2.10
      - name: legacy-2
        address: 192.0.2.11

- name: The database is gone
  meshops.mesh.workload_group:
    name: orders-db
    namespace: shop
    state: absent
"""

RETURN = r"""
---
service_account:
  description: ServiceAccount of the hosts.
  type: str
  returned: success, with O(state=present)
host_names:
  description: Names under which the hosts are called.
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
    run_module("workload_group")


if __name__ == "__main__":
    main()
