# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: workload_info
short_description: Tell which hosts outside Kubernetes are in the mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Tells what WorkloadEntries say of hosts, those that registered themselves and static ones.
  - With O(expect) it waits until hosts have come or gone, as the control plane sees it.
extends_documentation_fragment:
  - meshops.mesh.workload_info
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: All hosts of the mesh
  meshops.mesh.workload_info:
  register: hosts

- name: Addresses of those that are connected
  ansible.builtin.debug:
    msg: "{{ hosts.workloads | selectattr('connected') | map(attribute='address') }}"

- name: Two hosts have joined
  meshops.mesh.workload_info:
    namespace: shop
    group: ratings
    addresses: [192.0.2.11, 192.0.2.12]
    expect: present
    wait_timeout: 60
"""

RETURN = r"""
---
workloads:
  description: The hosts, sorted.
  type: list
  elements: dict
  returned: success
  contains:
    namespace: {description: Namespace., type: str}
    name: {description: Name of its WorkloadEntry., type: str}
    group: {description: WorkloadGroup in which it registered itself; empty for a static entry., type: str}
    address: {description: Address., type: str}
    network: {description: Network; empty for the cluster's., type: str}
    cluster: {description: "Cluster through which it registered itself, where that is told.", type: str}
    locality: {description: Locality., type: str}
    service_account: {description: ServiceAccount., type: str}
    labels: {description: Labels., type: dict}
    connected: {description: Whether its agent is connected to istiod., type: bool}
    healthy: {description: "What its probe says; unset without a probe, or before it has said anything.", type: bool}
    message: {description: What the probe complains of., type: str}
    since: {description: When it connected or disconnected (RFC 3339); empty for a static entry., type: str}
groups:
  description: WorkloadGroups as C(namespace/name).
  type: list
  elements: str
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
    run_module("workload_info")


if __name__ == "__main__":
    main()
