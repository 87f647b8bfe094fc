# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual injection as a filter."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: kube_inject
short_description: Put the proxy into workloads by hand
version_added: 1.0.0
author: meshops (@meshops)
description:
  - The same as M(meshops.mesh.kube_inject), where an expression is handier than a task. See there what it does.
  - The injector is asked each time that the expression is evaluated. What is used more than once is better asked for by
    the module, whose result can be registered.
options:
  _input:
    description: Objects, or the text of YAML documents. Secrets are refused.
    type: raw
    required: true
extends_documentation_fragment:
  - meshops.mesh.kube_inject_options
  - meshops.mesh.connection
"""

EXAMPLES = r"""
---
- name: The shop with proxies in it
  meshops.mesh.config_set:
    name: shop
    namespace: shop
    objects: "{{ shop | meshops.mesh.kube_inject(revision='prod', namespace='shop', context='onprem') }}"

- name: A file for those who apply it by other means
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.template', 'shop.yml.j2') | meshops.mesh.kube_inject(revision='prod') }}"
    dest: shop-injected.yml
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
from ansible_collections.meshops.mesh.plugins.plugin_utils.injecting import inject, inject_text


def kube_inject(objects: Any, **options: Any) -> Any:
    """The objects, or their text, with the proxy in them."""
    try:
        injected = inject_text(objects, options, "the text") if isinstance(objects, str) else inject(objects, options)
    except MeshError as error:
        raise AnsibleFilterError(f"meshops.mesh.kube_inject: {error}") from None
    return wrap_var(injected)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Filters by name."""
        return {"kube_inject": kube_inject}
