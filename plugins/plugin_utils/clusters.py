# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters as hosts of an inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible import template
from ansible.utils.unsafe_proxy import wrap_var

GROUP = "mesh_clusters"

#: Since 2.19 a text is a template only if it is said to be one.
_as_template: Callable[[str], str] = getattr(template, "trust_as_template", str)


def add_cluster(inventory: Any, name: str, variables: Mapping[str, Any]) -> None:
    """A host that stands for a cluster. Its variables are data; what looks like a template in them stays as it is."""
    inventory.add_host(name, inventory.add_group(GROUP))
    for key, value in {"ansible_connection": "local", **variables}.items():
        if value is not None:
            inventory.set_variable(name, key, wrap_var(value))
    # The one template: Ansible's own Python runs the modules.
    inventory.set_variable(name, "ansible_python_interpreter", _as_template("{{ ansible_playbook_python }}"))


__all__ = ["GROUP", "add_cluster"]
