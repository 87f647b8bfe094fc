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
  - Lists revisions, tags, injection policies, gateways, proxies and our sets, whoever installed the mesh.
  - Says what is wrong, what expires and what is out of support.
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
    version: {description: Istio version., type: str}
    ready: {description: Whether istiod is available., type: bool}
    reason: {description: Why it is not., type: str}
    webhook: {description: Whether its injection webhook can be called., type: bool}
    proxies: {description: Number of connected proxies., type: int}
tags:
  description: Revision tags, each with C(tag) and C(revision).
  type: list
  elements: dict
  returned: success
namespaces:
  description: Namespaces that say how their pods join, each with C(namespace) and C(policy).
  type: list
  elements: dict
  returned: success
gateways:
  description: Services of gateways, each with C(namespace), C(name), C(type), C(addresses) and C(ports).
  type: list
  elements: dict
  returned: success
sets:
  description: What this collection keeps, each with C(set), C(namespace) and C(version).
  type: list
  elements: dict
  returned: success
proxies:
  description: Proxies, each with C(namespace), C(name), C(revision), C(version) and C(image).
  type: list
  elements: dict
  returned: success
concerns:
  description:
    - What is wrong, expires or is out of support, the most urgent first. Each has C(severity) (V(critical) or
      V(warning)), C(about), C(text) and C(until) (V(YYYY-MM-DD), or empty).
  type: list
  elements: dict
  returned: success
metrics:
  description: The state in the text format of Prometheus, for the textfile collector of node_exporter.
  type: str
  returned: success
queried:
  description: What O(query) finds.
  type: raw
  returned: when O(query) is set
error:
  description: "What went wrong: C(code) (see docs/errors.md), C(msg), C(hint), C(where)."
  type: dict
  returned: failure
"""

from ansible_collections.meshops.mesh.plugins.module_utils._ansible import run_module


def main() -> None:
    """Run the operation."""
    run_module("mesh_info")


if __name__ == "__main__":
    main()
