# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters from a mesh.yaml."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: declaration
short_description: The clusters that a mesh.yaml declares, with what each of them is to have
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Reads a whole mesh from one file, the same that C(Mesh.from_file()) of the Pulumi package reads.
  - Every cluster becomes a host of the group C(mesh_clusters), with the variables of the roles, so that
    C(meshops.mesh.site) brings it about.
  - The file is data. What looks like a template in it stays as it is.
options:
  plugin:
    description: Name of this plugin, by which Ansible finds it. The Pulumi package takes no notice of it.
    type: str
    required: true
    choices: [meshops.mesh.declaration]
  clusters:
    description:
      - The clusters by name. Each may have C(kubeconfig), C(context), C(cluster_name), C(network), C(platform), and
        lists of its own.
    type: dict
    required: true
  gateway_api:
    description: Options of M(meshops.mesh.gateway_api), item by item, for every cluster.
    type: list
    elements: dict
  control_plane:
    description: Options of M(meshops.mesh.control_plane), item by item, for every cluster.
    type: list
    elements: dict
  revision_tag:
    description: Options of M(meshops.mesh.revision_tag), item by item, for every cluster.
    type: list
    elements: dict
  injection:
    description: Options of M(meshops.mesh.injection), item by item, for every cluster.
    type: list
    elements: dict
  gateway:
    description: Options of M(meshops.mesh.gateway), item by item, for every cluster.
    type: list
    elements: dict
  waypoint:
    description: Options of M(meshops.mesh.waypoint), item by item, for every cluster.
    type: list
    elements: dict
  workload_group:
    description: Options of M(meshops.mesh.workload_group), item by item, for every cluster.
    type: list
    elements: dict
  network_service:
    description: Options of M(meshops.mesh.network_service), item by item, for every cluster.
    type: list
    elements: dict
  nsm_client:
    description: Options of M(meshops.mesh.nsm_client), item by item, for every cluster.
    type: list
    elements: dict
  config_set:
    description:
      - Options of M(meshops.mesh.config_set), item by item, for every cluster.
      - Paths in C(src) (files, directories and patterns) start in the directory of the file. Here it is only looked
        that they lead to files; the task that brings a set about reads these, vaulted ones too.
    type: list
    elements: dict
"""

EXAMPLES = r"""
# mesh.yaml
plugin: meshops.mesh.declaration
clusters:
  onprem:
    context: onprem
    network: onprem-net
  cloud:
    context: cloud
    network: cloud-net
control_plane:
  - version: 1.31.0
injection:
  - namespaces: [shop]
gateway:
  - name: ingress
    version: 1.31.0
config_set:
  - name: shop-traffic
    namespace: shop
    src: [traffic]
"""

from typing import Any

from ansible.errors import AnsibleParserError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.declaration import ORDER
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.operations.registry import OPERATIONS
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.mesh_file import read_file
from ansible_collections.meshops.mesh.plugins.plugin_utils.clusters import GROUP, add_cluster


class InventoryModule(BaseInventoryPlugin):
    """A host per cluster."""

    NAME = "meshops.mesh.declaration"

    def verify_file(self, path: str) -> bool:
        """A YAML file; Ansible's plugin `auto` has looked at its key `plugin` already."""
        return super().verify_file(path) and path.endswith((".yaml", ".yml"))

    def parse(self, inventory: Any, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fill the inventory."""
        super().parse(inventory, loader, path, cache)
        try:
            found = read_file(path, OPERATIONS)
        except MeshError as error:
            raise AnsibleParserError(str(error)) from None
        inventory.add_group(GROUP)
        for member in found:
            variables = {
                "mesh_kubeconfig": member.connection.kubeconfig,
                "mesh_context": member.connection.context,
                **{f"mesh_{key}": value for key, value in member.facts.items()},
                **{f"{operation}_list": member.of(operation) for operation in ORDER},
            }
            add_cluster(inventory, member.name, variables)
