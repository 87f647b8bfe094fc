# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: kube_inject
short_description: Put the proxy into workloads by hand
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Tells what workloads look like with the proxy in them, as C(istioctl kube-inject) does, for those who cannot label
    their namespaces or want to see the result before it runs.
  - The injector of the revision is asked by way of the API server (C(create) on C(services/proxy)). Nothing is written.
  - Objects with injected proxies must be made anew at each upgrade of the control plane.
  - The same is a filter, P(meshops.mesh.kube_inject#filter), and a lookup, P(meshops.mesh.kube_inject#lookup).
extends_documentation_fragment:
  - meshops.mesh.kube_inject
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: What this becomes with the proxy in it
  meshops.mesh.kube_inject:
    objects:
      - apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: page
          namespace: shop
        spec:
          selector:
            matchLabels:
              app: page
          template:
            metadata:
              labels:
                app: page
            spec:
              containers:
                - name: page
                  image: docker.io/istio/examples-bookinfo-productpage-v1:1.20.3

- name: The whole shop with proxies in it, by the injector of a tag
  meshops.mesh.kube_inject:
    src: [shop.yml]
    revision: prod
    namespace: shop
  register: shop

- name: A client that speaks gRPC by itself, with the agent alone
  meshops.mesh.kube_inject:
    src: [client.yml]
    templates: [grpc-agent]

- name: Keep it
  meshops.mesh.config_set:
    name: shop-with-proxies
    namespace: shop
    objects: "{{ shop.objects }}"
"""

RETURN = r"""
---
objects:
  description: The objects, in the order of O(objects).
  type: list
  elements: dict
  returned: success
yaml:
  description: The same as YAML documents.
  type: str
  returned: success
injected:
  description: Objects that got the proxy, as C(Kind namespace/name).
  type: list
  elements: str
  returned: success
skipped:
  description: Objects with pods that did not get it, with the reason.
  type: dict
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
    run_module("kube_inject")


if __name__ == "__main__":
    main()
