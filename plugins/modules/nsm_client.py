# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: nsm_client
short_description: Have the pods of workloads ask for network services
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Keeps the annotation C(networkservicemesh.io) on the pod templates of workloads, by which the webhook of Network
    Service Mesh gives their pods interfaces to network services. The workloads stay who they belong to; of them nothing
    else is touched.
  - What others have in that annotation stays in it. It is changed with O(adopt) only, as its owner (C(helm upgrade),
    C(kubectl apply)) may want it back. The same goes for C(ns.networkservicemesh.io), the annotation of 2019, which
    nobody reads any more and whose services then move to that of today.
  - A change of a template makes new pods by the workload's own strategy, heedless of PodDisruptionBudgets. The plan
    warns of each. With O(wait) the run ends when they are ready; they wait themselves until their network services
    answer.
  - For manifests that are not applied yet there is the filter P(meshops.mesh.nsm_client#filter).
extends_documentation_fragment:
  - meshops.mesh.nsm_client
  - meshops.mesh.run
  - meshops.mesh.connection
  - meshops.mesh.attributes
"""

EXAMPLES = r"""
---
- name: The shop's pages are in the intranet
  meshops.mesh.nsm_client:
    name: intranet
    namespace: shop
    workloads: [Deployment/web]
    services: [secure-intranet-connectivity]

- name: Whatever is labelled so gets two networks, one of them in another cluster
  meshops.mesh.nsm_client:
    name: storage
    namespace: shop
    selector:
      storage: fast
    services:
      - kernel://fast-storage/nsm-1?zone=inner
      - memif://backup@dc2.example.com/nsm-2

- name: The pages leave the intranet
  meshops.mesh.nsm_client:
    name: intranet
    namespace: shop
    state: absent
"""

RETURN = r"""
---
clients:
  description: What the pods of each workload ask for, by C(Kind namespace/name).
  type: dict
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
    run_module("nsm_client")


if __name__ == "__main__":
    main()
