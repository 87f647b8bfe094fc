# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters from the contexts of kubeconfigs."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: contexts
short_description: The clusters that kubeconfigs have contexts for
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Every context that is chosen becomes a host of the group C(mesh_clusters), with a local connection and the variables
    C(mesh_kubeconfig) and C(mesh_context), by which the playbooks and roles of this collection reach the cluster.
  - C(mesh_cluster), C(mesh_user) and C(mesh_namespace) tell what the context points at, by name. Credentials are no
    variables, and no cluster is asked.
  - O(compose), O(groups) and O(keyed_groups) may use all of these.
options:
  plugin:
    description: Name of this plugin, by which Ansible finds it.
    type: str
    required: true
    choices: [meshops.mesh.contexts]
  kubeconfig:
    description:
      - Paths of kubeconfigs. A relative path starts at the directory of the inventory file.
      - Each entry is a kubeconfig by itself. An entry of several paths with colons between them is one that is put
        together from them, as C(kubectl) does; of those, only some need be there.
      - An empty variable counts as none.
    type: list
    elements: str
    default: [~/.kube/config]
    env:
      - name: KUBECONFIG
      - name: K8S_AUTH_KUBECONFIG
  contexts:
    description: Shell patterns. A context is chosen when its name matches one of them.
    type: list
    elements: str
    default: ['*']
  exclude:
    description: Shell patterns. A context whose name matches one of them is left out, whatever O(contexts) says.
    type: list
    elements: str
    default: []
  name:
    description:
      - Jinja2 expression, without braces, that gives the name of a host. It may use the variables C(mesh_*) of a
        context.
      - Without it a host has the name of its context.
      - Names that cloud providers give, such as C(arn:aws:eks:eu-west-1:123456789012:cluster/prod), are better
        shortened, as Ansible takes the colons in a C(--limit) for separators.
      - Two contexts that give the same name are refused.
    type: str
extends_documentation_fragment:
  - ansible.builtin.constructed
requirements:
  - kubernetes >= 29
  - PyYAML
"""

EXAMPLES = r"""
---
# contexts.yml: every context of KUBECONFIG, or of ~/.kube/config
plugin: meshops.mesh.contexts

---
# EKS: arn:aws:eks:eu-west-1:123456789012:cluster/prod becomes prod, in the group region_eu_west_1
plugin: meshops.mesh.contexts
contexts: ['arn:aws:eks:*:cluster/prod*']
name: mesh_context.split('/') | last
compose:
  mesh_network: mesh_context.split(':')[3]
  mesh_platform: "'eks'"
keyed_groups:
  - prefix: region
    key: mesh_network

---
# GKE: gke_shop-project_europe-west1_prod becomes prod-europe-west1
plugin: meshops.mesh.contexts
contexts: [gke_shop-project_*]
exclude: ['*_scratch']
name: mesh_context.split('_')[2:] | reverse | join('-')

---
# One kubeconfig per cluster, in which every context has the same name
plugin: meshops.mesh.contexts
kubeconfig:
  - clusters/onprem.kubeconfig
  - clusters/cloud.kubeconfig
contexts: [kubernetes-admin@kubernetes]
name: mesh_kubeconfig | basename | splitext | first
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.kube.contexts import contexts
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.kube.libraries import MISSING
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.spec import name_of, unknown_option
from ansible_collections.meshops.mesh.plugins.plugin_utils.clusters import GROUP, add_cluster

_DEFAULT = "~/.kube/config"


class InventoryModule(BaseInventoryPlugin, Constructable):
    """A host per context."""

    NAME = "meshops.mesh.contexts"

    def verify_file(self, path: str) -> bool:
        """A YAML file; Ansible's plugin `auto` has looked at its key `plugin` already."""
        return super().verify_file(path) and path.endswith((".yaml", ".yml"))

    def parse(self, inventory: Any, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fill the inventory."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            self._check(config)
            kubeconfigs = _placed(
                self.get_option("kubeconfig"), os.path.dirname(path) if "kubeconfig" in config else ""
            )
            hosts = self._named(self._chosen(kubeconfigs))
        except MeshError as error:
            raise AnsibleParserError(f"{path}: {error}") from None
        inventory.add_group(GROUP)
        for name, variables in hosts.items():
            add_cluster(inventory, name, variables)
            self._construct(name)

    def _check(self, config: Mapping[str, Any]) -> None:
        """Ansible takes no notice of options that nobody knows."""
        if MISSING:
            hint = "install kubernetes and PyYAML there"
            raise MeshError("missing_dependency", f"Ansible's Python lacks a library: {MISSING}", hint=hint)
        for key in config:
            if key not in self.option_definitions:
                raise unknown_option(key, "", list(self.option_definitions))
        # Ansible converts no items of lists.
        for name in ("kubeconfig", "contexts", "exclude"):
            for index, value in enumerate(self.get_option(name) or ()):
                if not isinstance(value, str):
                    text = f"must be a string, not {name_of(value)}; quote it"
                    raise MeshError("invalid_option", text, where=f"{name}[{index}]")

    def _chosen(self, kubeconfigs: Iterable[str]) -> list[dict[str, str]]:
        """The variables of each context that is wanted."""
        found = [(kubeconfig, context) for kubeconfig in kubeconfigs for context in contexts(kubeconfig)]
        names = [context.name for _kubeconfig, context in found]
        wanted, unwanted = self.get_option("contexts"), self.get_option("exclude")
        for pattern in (*wanted, *unwanted):
            if not any(fnmatchcase(name, pattern) for name in names):
                self.display.warning(f"meshops.mesh.contexts: no context matches {pattern}")
        return [
            {
                "mesh_kubeconfig": kubeconfig,
                "mesh_context": context.name,
                "mesh_cluster": context.cluster,
                "mesh_user": context.user,
                "mesh_namespace": context.namespace or "default",
            }
            for kubeconfig, context in found
            if _matches(context.name, wanted) and not _matches(context.name, unwanted)
        ]

    def _named(self, chosen: Iterable[dict[str, str]]) -> dict[str, dict[str, str]]:
        """The same by the names of hosts."""
        hosts: dict[str, dict[str, str]] = {}
        for variables in chosen:
            name = self._name(variables)
            if name in hosts:
                both = " and ".join(f"{v['mesh_context']} of {v['mesh_kubeconfig']}" for v in (hosts[name], variables))
                text, hint = f"two contexts are named {name}: {both}", "set name so that they differ, or exclude one"
                raise MeshError("invalid_option", text, where="name", hint=hint)
            hosts[name] = variables
        return hosts

    def _name(self, variables: Mapping[str, str]) -> str:
        context, expression = variables["mesh_context"], self.get_option("name")
        if not expression:
            return context
        try:
            name = self._compose(expression, dict(variables))
        except AnsibleError as error:
            text = f"{' '.join(str(error).split())} for context {context}"
            raise MeshError("invalid_option", text, where="name", hint="give a Jinja2 expression, no braces") from None
        if not isinstance(name, str) or not name.strip():
            text, hint = f"gives no text for context {context}", "give a Jinja2 expression, no braces"
            raise MeshError("invalid_option", text, where="name", hint=hint)
        return str(name)

    def _construct(self, name: str) -> None:
        """What Ansible's own options make of a host."""
        strict, variables = self.get_option("strict"), self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _placed(given: Sequence[str], directory: str) -> Iterator[str]:
    """Kubeconfigs with whole paths, as playbooks may run anywhere."""
    for entry in [entry for entry in given if entry] or [_DEFAULT]:
        parts = (os.path.expanduser(os.path.expandvars(part)) for part in entry.split(os.pathsep) if part)
        yield os.pathsep.join(os.path.abspath(os.path.join(directory, part)) for part in parts)
