# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vm_bootstrap
short_description: Give a host outside Kubernetes what it needs to join the mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Makes C(cluster.env), C(mesh.yaml), C(root-cert.pem) and C(hosts) for a host of a WorkloadGroup, as
    C(istioctl x workload entry configure) does, and has a token issued where the host has no good certificate.
  - The cluster is asked from the controller. Run on the host, the task writes the files there; its result names them
    and tells when the token expires. With O(return_files) nothing is written and the result holds the files; it is
    censored in output, and whole in what C(register) keeps.
  - Variables of C(cluster.env) come from the mesh's configuration, the group and this task. A shell reads them on the
    host as root; what would be more than a value to it is refused.
extends_documentation_fragment:
  - meshops.mesh.vm_bootstrap
  - meshops.mesh.connection
  - meshops.mesh.attributes
seealso:
  - name: Role vm_workload
    description: Does this, and all the rest that a host needs.
    link: https://github.com/meshops/mesh/tree/main/roles/vm_workload
"""

EXAMPLES = r"""
---
- name: This host joins the ratings
  meshops.mesh.vm_bootstrap:
    group: ratings
    namespace: shop
    internal_address: "{{ ansible_facts.default_ipv4.address }}"
  become: true

- name: Files of two hosts in one go
  meshops.mesh.vm_bootstrap:
    group: ratings
    namespace: shop
    gateway_address: 192.0.2.1
    return_files: true
    hosts:
      - host: ratings-1
        internal_address: 192.0.2.11
      - host: ratings-2
        internal_address: 192.0.2.12
        issue_token: false
  delegate_to: localhost
  register: joining

- name: When the token expires
  ansible.builtin.debug:
    var: joining.hosts['ratings-1'].token_expires
"""

RETURN = r"""
---
files:
  description:
    - Content by name, C(cluster.env), C(mesh.yaml), C(root-cert.pem), C(hosts), and C(istio-token) where one was
      issued.
  type: dict
  returned: success, with O(return_files)
user_data:
  description: For a new machine, what cloud-init joins it by, token included; empty without O(package).
  type: str
  returned: success, with O(return_files)
hosts:
  description: What each host of O(hosts) gets, by its name; the keys are those of this result.
  type: dict
  returned: success, with O(hosts)
written:
  description: Files that were, or in check mode would be, written on the host.
  type: list
  elements: str
  returned: success, where it writes
token_needed:
  description: Whether the host has no good certificate.
  type: bool
  returned: success, of one host
token_reason:
  description: Why it needs a token; empty where it does not.
  type: str
  returned: success, of one host
token_expires:
  description: When the issued token expires (RFC 3339); empty without one.
  type: str
  returned: success, of one host
istiod:
  description: The C(name), C(port) and C(addresses) under which the host reaches istiod.
  type: dict
  returned: success, of one host
identity:
  description: SPIFFE identity of the host.
  type: str
  returned: success, of one host
service_account:
  description: Its ServiceAccount.
  type: str
  returned: success, of one host
trust_domain:
  description: Trust domain of the mesh.
  type: str
  returned: success, of one host
revision:
  description: Revision that serves the host.
  type: str
  returned: success, of one host
cluster:
  description: Name of the cluster in the mesh.
  type: str
  returned: success, of one host
network:
  description: Network of the host.
  type: str
  returned: success, of one host
notes:
  description: What is worth knowing, such as a gateway whose address may change.
  type: list
  elements: str
  returned: success, of one host
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
    run_module("vm_bootstrap")


if __name__ == "__main__":
    main()
