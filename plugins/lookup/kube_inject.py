# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual injection as a lookup."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: kube_inject
short_description: Put the proxy into workloads of YAML files by hand
version_added: 1.0.0
author: meshops (@meshops)
description:
  - The same as M(meshops.mesh.kube_inject) for files on the controller. See there what it does.
  - Files are found where P(ansible.builtin.file#lookup) finds them, and vaulted ones are decrypted.
options:
  _terms:
    description: Paths of files with YAML documents. Secrets are refused.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - meshops.mesh.kube_inject_options
  - meshops.mesh.connection
"""

EXAMPLES = r"""
---
- name: What the shop becomes with proxies in it
  ansible.builtin.debug:
    msg: "{{ lookup('meshops.mesh.kube_inject', 'shop.yml', revision='prod', namespace='shop', context='onprem') }}"

- name: The shop with proxies in it
  meshops.mesh.config_set:
    name: shop
    namespace: shop
    objects: "{{ lookup('meshops.mesh.kube_inject', 'shop.yml', revision='prod', namespace='shop') | from_yaml_all }}"
"""

RETURN = r"""
---
_raw:
  description: YAML documents with the proxy in them, one text per file.
  type: list
  elements: str
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.plugin_utils.injecting import inject_text


class LookupModule(LookupBase):
    """Reads files and asks the injector."""

    def run(self, terms: Sequence[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """The injected text of each file."""
        try:
            return [inject_text(self._text(str(term), variables), kwargs, str(term)) for term in terms]
        except MeshError as error:
            raise AnsibleLookupError(f"meshops.mesh.kube_inject: {error}") from None

    def _text(self, term: str, variables: Mapping[str, Any] | None) -> str:
        path = self.find_file_in_search_path(variables, "files", term, ignore_missing=True)
        if not path:
            hint = "give a path, or put it into files/ of the role or beside the playbook"
            raise MeshError("invalid_option", "there is no such file", where=term, hint=hint)
        real = ""
        try:
            real = self._loader.get_real_file(path)  # a vaulted file is another one here
            return Path(real).read_text(encoding="utf-8")
        except (AnsibleError, OSError, ValueError) as error:
            text = f"cannot be read: {' '.join(str(error).split())}"
            raise MeshError("invalid_option", text, where=term) from None
        finally:
            self._loader.cleanup_tmp_file(real)
