# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of Network Service Mesh in manifests."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: nsm_client
short_description: Have the pods of manifests ask for network services
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Puts the annotation C(networkservicemesh.io) on Pods and on the pod templates of Deployments, StatefulSets,
    DaemonSets and ReplicaSets. Other objects stay as they are; so do Jobs, which would never end.
  - What is in the annotation already stays in it. That of 2019, C(ns.networkservicemesh.io), is converted, and what
    stands on a workload itself moves to its pods, the only place where it always counts.
  - For workloads that run already there is M(meshops.mesh.nsm_client).
options:
  _input:
    description: Objects, or the text of YAML documents.
    type: raw
    required: true
  services:
    description: What the pods ask for, as O(meshops.mesh.nsm_client#module:services).
    type: list
    elements: str
    required: true
  workloads:
    description: The workloads that are meant, by their name or as C(Kind/name). All of them without any.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
---
- name: The shop, with its pages in the intranet
  meshops.mesh.config_set:
    name: shop
    namespace: shop
    objects: "{{ shop | meshops.mesh.nsm_client(['secure-intranet-connectivity'], workloads=['web']) }}"

- name: A file for those who apply it by other means
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', 'shop.yml') | meshops.mesh.nsm_client(['kernel://storage?zone=a']) }}"
    dest: shop-clients.yml
    mode: "0644"
"""

RETURN = r"""
---
_value:
  description: For objects the list of objects, for a text YAML documents, both in the order of the input.
  type: raw
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.plugin_utils.clients import clients, clients_of_text


def nsm_client(objects: Any, services: Any, workloads: Any = ()) -> Any:
    """The objects, or their text, with the annotation."""
    try:
        of_text = isinstance(objects, str)
        found = (clients_of_text if of_text else clients)(objects, services, workloads)
    except MeshError as error:
        raise AnsibleFilterError(f"meshops.mesh.nsm_client: {error}") from None
    return wrap_var(found)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Filters by name."""
        return {"nsm_client": nsm_client}
