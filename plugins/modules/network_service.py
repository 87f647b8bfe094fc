# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: network_service
short_description: Declare which endpoints answer the clients of a network service
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Keeps a NetworkService of Network Service Mesh (C(networkservicemesh.io/v1)), declared as a chain of endpoints that
    connections pass, or by matches of clients and routes to endpoints.
  - The API server takes any NetworkService, and NSM drops what it does not know. So all of this is refused before
    anything is written - keys of another spelling, matches that are never reached or lead nowhere, loops, chains that
    contradict each other, and a name that another namespace has.
  - Endpoints with C(NSM_REGISTER_SERVICE=true), which is their default, write the NetworkService anew and drop its
    matches. Set it to V(false) for every endpoint of a service that is declared here.
  - Clients say their labels themselves. A chain leads connections where they should go; it does not keep a client out
    that says the labels of a hop.
extends_documentation_fragment:
  - meshops.mesh.network_service
  - meshops.mesh.run
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: Every connection passes the firewall, and ends at the VPN gateway
  meshops.mesh.network_service:
    name: secure-intranet-connectivity
    chain: [firewall, vpn-gateway]
  register: intranet

- name: What that comes to
  ansible.builtin.debug:
    msg: "{{ intranet.drawing }}"

- name: Guests pass a filter besides, and the operators' clients pass nothing
  meshops.mesh.network_service:
    name: office
    chains:
      - source_selector: {team: guests}
        hops: [filter, guest-gateway]
      - source_selector: {team: operators}
        hops: ["app=vpn-gateway,zone=inner"]
    chain: [firewall, outer-gateway]

- name: An endpoint on the client's own node if there is one, over a forwarder for fast cards
  meshops.mesh.network_service:
    name: fast-storage
    namespace: storage
    payload: ETHERNET
    matches:
      - routes:
          - destination_selector:
              nodeName: "{{ '{{.nodeName}}' }}"
        fallthrough: true
        metadata:
          labels:
            my-nic: fast
      - routes:
          - destination_selector:
              any: "true"

- name: A NetworkService as it was written in 2019
  meshops.mesh.network_service:
    name: legacy
    manifest:
      apiVersion: networkservicemesh.io/v1alpha1
      kind: NetworkService
      metadata:
        name: legacy
      spec:
        payload: IP
        matches:
          - match:
            sourceSelector:
              app: firewall
            route:
              - destination:
                destinationSelector:
                  app: vpn-gateway
          - match:
            route:
              - destination:
                destinationSelector:
                  app: firewall

- name: The service is gone
  meshops.mesh.network_service:
    name: legacy
    state: absent
"""

RETURN = r"""
---
drawing:
  description: The ways from clients to endpoints, one a line, such as V(client -> app=firewall -> app=vpn-gateway).
  type: list
  elements: str
  returned: success, with O(state=present)
mermaid:
  description: The same as a diagram of Mermaid.
  type: str
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
    run_module("network_service")


if __name__ == "__main__":
    main()
