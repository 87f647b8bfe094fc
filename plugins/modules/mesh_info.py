# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mesh_info
short_description: Tell what a cluster has of a mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Lists revisions, tags, injection policies, gateways, proxies, hosts outside Kubernetes and our sets, whoever
    installed the mesh.
  - Says what is wrong, what expires and what is out of support.
  - Hosts that fail their probe, that are gone while their WorkloadEntry stays, or that share one address are concerns.
    How long istiod keeps entries is read from its Deployment.
extends_documentation_fragment:
  - meshops.mesh.mesh_info
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: Look
  meshops.mesh.mesh_info:
  register: mesh

- name: Every control plane is ready
  ansible.builtin.assert:
    that: mesh.revisions | map(attribute='ready') is all

- name: What needs somebody's hand within two months
  meshops.mesh.mesh_info:
    warn_days: 60
    query: concerns[].join(' ', [severity, about, text, until])
"""

RETURN = r"""
---
kubernetes: {description: Version of Kubernetes., type: str, returned: success}
revisions:
  description: Control planes by revision.
  type: list
  elements: dict
  returned: success
  contains:
    revision: {description: Revision., type: str}
    namespace: {description: Namespace of its istiod., type: str}
    version: {description: Istio version., type: str}
    ready: {description: Whether istiod is available., type: bool}
    reason: {description: Why it is not., type: str}
    webhook: {description: Whether its injection webhook can be called., type: bool}
    proxies: {description: Number of connected proxies., type: int}
tags:
  description: Revision tags.
  type: list
  elements: dict
  returned: success
  contains:
    tag: {description: Tag., type: str}
    revision: {description: Revision that it stands for., type: str}
namespaces:
  description: Namespaces that say how their pods join.
  type: list
  elements: dict
  returned: success
  contains:
    namespace: {description: Namespace., type: str}
    policy: {description: "Labels that say it, as C(key=value), with commas.", type: str}
gateways:
  description: Services in front of gateways.
  type: list
  elements: dict
  returned: success
  contains:
    namespace: {description: Namespace., type: str}
    name: {description: Name., type: str}
    type: {description: Type of the Service., type: str}
    addresses: {description: Addresses or host names of its load balancer., type: list, elements: str}
    ports: {description: Ports of the Service., type: list, elements: int}
sets:
  description: What this collection keeps.
  type: list
  elements: dict
  returned: success
  contains:
    set: {description: Set., type: str}
    namespace: {description: Namespace of its inventory., type: str}
    version: {description: What was installed; empty where that has no version., type: str}
proxies:
  description: Proxies; empty without O(proxies).
  type: list
  elements: dict
  returned: success
  contains:
    namespace: {description: Namespace., type: str}
    name: {description: Name of the pod., type: str}
    revision: {description: Revision that injected it., type: str}
    version: {description: Version of the proxy., type: str}
    image: {description: Image of the proxy., type: str}
workloads:
  description:
    - Hosts outside Kubernetes, as M(meshops.mesh.workload_info) tells them. What runs on them, and until when its
      certificate is valid, the control plane does not keep.
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
concerns:
  description:
    - What is wrong, expires or is out of support, the most urgent first.
  type: list
  elements: dict
  returned: success
  contains:
    severity: {description: "V(critical) is broken, V(warning) will be.", type: str}
    about: {description: What it is about., type: str}
    text: {description: "What is the matter, and what to do.", type: str}
    until: {description: "Day on which it ends or ended, as V(YYYY-MM-DD); empty where it has none.", type: str}
metrics:
  description:
    - The state in the text format of Prometheus, for the textfile collector of node_exporter. All are gauges with the
      label C(cluster).
    - C(meshops_revision_ready) (labels C(namespace), C(revision), C(version)) is 1 where a control plane is available
      and its injector can be called, else 0.
    - C(meshops_proxies) (C(revision), C(version)) counts proxies, C(meshops_gateway_addresses) (C(namespace),
      C(gateway)) addresses, C(meshops_concerns) (C(severity)) concerns.
    - C(meshops_workload_connected) and C(meshops_workload_healthy) (C(namespace), C(group), C(address), and C(entry),
      the name of the WorkloadEntry) are 1 or 0 for hosts outside Kubernetes. The first is there for those that have
      an agent, the second for those whose probe has said something.
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
    run_module("mesh_info")


if __name__ == "__main__":
    main()
