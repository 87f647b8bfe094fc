# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts outside Kubernetes that clusters know."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: workloads
short_description: Virtual machines and bare metal that are in a mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Every WorkloadEntry of one or many clusters becomes a host, whoever installed the mesh. Its variable C(ansible_host)
    is the address of the entry, where that is an IP address or a DNS name.
  - The variable C(mesh_workload) of a host has the keys C(cluster) (its name here), C(namespace), C(name) (of the
    entry), C(group), C(address), C(network), C(locality), C(service_account), C(labels), C(connected), C(healthy),
    C(message) and C(since); see M(meshops.mesh.workload_info) for what they mean.
  - All hosts are in the group C(mesh_workloads), and in C(cluster_<cluster>), C(group_<namespace>_<group>),
    C(network_<network>), one of C(healthy), C(unhealthy) and C(unknown), and, where they have an agent, one of
    C(connected) and C(disconnected). Signs that no name of a group may have become C(_). A WorkloadGroup without hosts
    is a group without hosts.
  - What clusters tell is data. What looks like a template in it stays as it is.
  - O(compose), O(groups) and O(keyed_groups) may use all of these variables.
options:
  plugin:
    description: Name of this plugin, by which Ansible finds it.
    type: str
    required: true
    choices: [meshops.mesh.workloads]
  clusters:
    description:
      - The clusters, each with its C(name) and the options by which it is reached, such as C(kubeconfig) and
        C(context). Those that it does not have are the options of the same names beside this one.
      - Without it and O(contexts) there is one, to which these options lead. It has the name of its context, or
        C(cluster) where none is named.
    type: list
    elements: dict
    default: []
  contexts:
    description:
      - Shell patterns, as in P(meshops.mesh.contexts#inventory). Every context of O(kubeconfig) whose name matches one
        of them is a cluster of that name.
    type: list
    elements: str
    default: []
  namespaces:
    description:
      - Namespaces to look into; all without it. Who may list WorkloadEntries and WorkloadGroups in these needs no more.
    type: list
    elements: str
    default: []
  workload_groups:
    description:
      - WorkloadGroups whose hosts are wanted, as C(namespace/name). A name alone is one in any namespace.
      - Without it all are, and static entries, which belong to none.
    type: list
    elements: str
    default: []
  hostnames:
    description:
      - Jinja2 expressions, without braces, that give the name of a host; the first that gives one counts. They may use
        C(mesh_workload) and C(ansible_host). Where something of that is not there, the next one is tried.
      - Where there is none, a host is C(<cluster>-<namespace>-<entry>), which stays the same whatever other hosts come
        and go.
      - Signs with a meaning in patterns of hosts become C(-). No expression gives a host the name of this machine, such
        as C(localhost).
      - Two hosts of one name are refused.
    type: list
    elements: str
    default: []
  strict_clusters:
    description:
      - Whether a cluster that gives no answer, or not to these credentials, makes the inventory fail.
      - With V(false) that is a warning, and the hosts of the other clusters are there. Nothing is cached then.
    type: bool
    default: true
extends_documentation_fragment:
  - meshops.mesh.connection
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
notes:
  - A relative path of a kubeconfig or a certificate starts at the directory of the inventory file.
  - An inventory that fails is a warning of Ansible, unless C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) says otherwise.
  - Where who may write WorkloadEntries is not to decide to which addresses Ansible connects, choose them by
    O(workload_groups) and compare host keys.
"""

EXAMPLES = r"""
---
# workloads.yml: the hosts of the cluster that kubectl talks to, such as cluster-shop-ratings-192.0.2.11
plugin: meshops.mesh.workloads

---
# Two clusters, each with its context; one that is away leaves the other's hosts
plugin: meshops.mesh.workloads
clusters:
  - name: onprem
    context: onprem
  - name: cloud
    context: cloud
strict_clusters: false

---
# The ratings of the shop, by names of their own where a label tells one; SSH goes to another port in one network
plugin: meshops.mesh.workloads
contexts: [onprem, cloud*]
namespaces: [shop]
workload_groups: [shop/ratings]
hostnames:
  - mesh_workload.labels.hostname
compose:
  ansible_user: "'ansible'"
  ansible_port: "2222 if mesh_workload.network == 'vms' else 22"
groups:
  call_somebody: mesh_workload.healthy == false
keyed_groups:
  - prefix: zone
    key: mesh_workload.locality.split('/')[1] | default('')
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/mesh_workloads
cache_timeout: 60
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError, AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model import checks
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.spec import unknown_option
from ansible_collections.meshops.mesh.plugins.plugin_utils import workload_hosts
from ansible_collections.meshops.mesh.plugins.plugin_utils.asked_clusters import Connections, answers, connections
from ansible_collections.meshops.mesh.plugins.plugin_utils.plain import looked_at, plain

_CHECKS = {"namespaces": checks.dns_labels, "workload_groups": checks.placed_names}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """A host per WorkloadEntry."""

    NAME = "meshops.mesh.workloads"

    def verify_file(self, path: str) -> bool:
        """A YAML file; Ansible's plugin `auto` has looked at its key `plugin` already."""
        return super().verify_file(path) and path.endswith((".yaml", ".yml"))

    def parse(self, inventory: Any, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Fill the inventory."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            self._check(config)
            given = {
                **plain(looked_at(config)),
                "clusters": self._plain("clusters"),
                "contexts": self._plain("contexts"),
            }
            clusters = connections(given, os.path.dirname(os.path.abspath(path)), self._warn)
            told = self._told(clusters, path, cache)
            hosts = self._named(told)
        except MeshError as error:
            raise AnsibleParserError(f"{path}: {error}") from None
        self._add_groups(told)
        for name, variables in hosts.items():
            self._add(name, variables)

    def _warn(self, text: object) -> None:
        self.display.warning(f"{self.NAME}: {text}")

    def _check(self, config: Mapping[str, Any]) -> None:
        """Ansible takes no notice of options that nobody knows."""
        aliases = [name for told in self.option_definitions.values() for name in told.get("aliases") or ()]
        for key in config:
            if key not in self.option_definitions and key not in aliases:
                raise unknown_option(key, "", list(self.option_definitions))
        for option, check in _CHECKS.items():
            complaint = check(self._plain(option))
            if complaint:
                raise MeshError("invalid_option", complaint, where=option)

    def _plain(self, option: str) -> Any:
        return plain(looked_at(self.get_option(option)))

    def _told(self, clusters: Connections, path: str, cache: bool) -> dict[str, dict[str, Any]]:
        """What clusters answer, or answered. An answer to another question does not count."""
        namespaces, keeps, key = self._plain("namespaces"), self.get_option("cache"), self.get_cache_key(path)
        asked = {"clusters": {name: _place(how) for name, how in clusters.items()}, "namespaces": namespaces}
        if keeps and cache and (kept := self._kept(key)).get("asked") == asked:
            return dict(kept["answers"])
        failures: list[MeshError] = []
        told = answers(clusters, namespaces, failures.append)
        for error in failures:
            if self.get_option("strict_clusters"):
                raise error
            self._warn(error)
        if keeps and not failures:
            self._cache[key] = {"asked": asked, "answers": told}
        return told

    def _kept(self, key: str) -> dict[str, Any]:
        try:
            return dict(plain(looked_at(self._cache[key])))
        except KeyError:
            return {}

    def _named(self, told: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """The variables of each host that is wanted, by its name."""
        hosts: dict[str, dict[str, Any]] = {}
        for variables in self._wanted(told):
            name = self._name(variables)
            if name in hosts:
                both = " and ".join(_shown(item["mesh_workload"]) for item in (hosts[name], variables))
                text, hint = f"two hosts are named {name}: {both}", "set hostnames so that they differ"
                raise MeshError("invalid_option", text, where="hostnames", hint=hint)
            hosts[name] = variables
        return hosts

    def _wanted(self, told: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        names = self._plain("workload_groups")
        for cluster, answer in told.items():
            for item in workload_hosts.chosen(answer["workloads"], names):
                yield {key: wrap_var(value) for key, value in workload_hosts.variables(cluster, item).items()}

    def _name(self, variables: Mapping[str, Any]) -> str:
        for number, expression in enumerate(self.get_option("hostnames")):
            try:
                name = workload_hosts.usable(self._compose(expression, dict(variables)))
            except AnsibleUndefinedVariable:
                continue
            except AnsibleError as error:
                text = f"{' '.join(str(error).split())} for {_shown(variables['mesh_workload'])}"
                hint, where = "give Jinja2 expressions, no braces", f"hostnames[{number}]"
                raise MeshError("invalid_option", text, where=where, hint=hint) from None
            if name:
                return name
        return workload_hosts.default_name(variables["mesh_workload"])

    def _add_groups(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Those of WorkloadGroups. Two may come to one name, as shop/eu-ratings and shop-eu/ratings do."""
        wanted, seen = self._plain("workload_groups"), dict[str, str]()
        self.inventory.add_group(workload_hosts.ALL)
        for placed in dict.fromkeys(name for answer in told.values() for name in answer["groups"]):
            if workload_hosts.wanted(placed, wanted):
                group = self.inventory.add_group(workload_hosts.group_of(placed))
                if seen.setdefault(group, placed) != placed:
                    self._warn(f"group {group} has the hosts of {seen[group]} and of {placed}")

    def _add(self, name: str, variables: Mapping[str, Any]) -> None:
        self.inventory.add_host(name)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        for group in workload_hosts.groups(plain(looked_at(variables["mesh_workload"]))):
            self.inventory.add_child(self.inventory.add_group(group), name)
        strict, known = self.get_option("strict"), self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), known, name, strict)
        self._add_host_to_composed_groups(self.get_option("groups"), known, name, strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, name, strict)


def _place(connection: Mapping[str, Any]) -> list[str]:
    """What tells a cluster from another; no credentials."""
    return [
        str(connection.get(key) or "") for key in ("kubeconfig", "context") if not isinstance(connection.get(key), dict)
    ]


def _shown(workload: Mapping[str, Any]) -> str:
    return f"WorkloadEntry {workload['namespace']}/{workload['name']} of {workload['cluster']}"
