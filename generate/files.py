# SPDX-License-Identifier: Apache-2.0
"""The table of generated files."""

from __future__ import annotations

from typing import Any

import yaml
from mesh.model.errors import CODES
from mesh.model.operation import AnyOperation, Declarative
from mesh.model.options import RunOptions
from mesh.model.spec import Field, Type, fields
from mesh.operations.registry import OPERATIONS
from mesh.render.guard import GUARD

from plugins.module_utils._ansible_options import all_options, own_options, states

from . import declaration, languages, pulumi, roles
from .note import NOTE

_ANSIBLE_TYPES = {"enum": "str", "map": "dict", "object": "dict", "struct": "dict"}

_STATES = {
    "present": "V(present) brings about and keeps what is declared.",
    "absent": "V(absent) removes it; what holds objects of others is kept and reported, see O(purge).",
    "released": "V(released) forgets it: every object stays, and is nobody's.",
    "rendered": "V(rendered) writes it to O(dest) as manifests, for Argo CD or Flux, and asks no cluster.",
}

#: What is a filter and a lookup, too, and the option that these get as their input.
_EXPRESSIONS = {"kube_inject": "objects"}


def generated() -> dict[str, str]:
    """Path from the project's root -> text, for everything that follows from the specs."""
    files = {"plugins/doc_fragments/run.py": _fragment(_run_options()), "docs/errors.md": _errors()}
    for name, given in _EXPRESSIONS.items():
        left_out = {given, *own_options(OPERATIONS[name])}
        options = {key: option for key, option in _options(OPERATIONS[name]).items() if key not in left_out}
        files[f"plugins/doc_fragments/{name}_options.py"] = _fragment(options)
    for name, operation in OPERATIONS.items():
        files[f"plugins/doc_fragments/{name}.py"] = _fragment(_options(operation))
        files[f"plugins/action/{name}.py"] = _action(name)
        if isinstance(operation, Declarative):
            files |= roles.files(name, operation, _options(operation) | _run_options())
    # The core ships it to new machines, the role to hosts that are there.
    files["roles/vm_workload/files/guard.sh"] = GUARD
    return files | pulumi.files(OPERATIONS) | declaration.files(OPERATIONS) | languages.files()


def _options(operation: AnyOperation) -> dict[str, Any]:
    spec: Any = operation.spec
    options = all_options(operation, {field.name: _documented(field) for field in fields(spec)})
    if isinstance(operation, Declarative):
        options["state"] = {
            "description": [_STATES[state] for state in states(operation)],
            "type": "str",
            "choices": states(operation),
            "default": "present",
        }
    return options


def _run_options() -> dict[str, Any]:
    return {field.name: _documented(field) for field in fields(RunOptions)}


def _documented(field: Field) -> dict[str, Any]:
    option: dict[str, Any] = {"description": [field.option.doc], **_typed(field.type)}
    if field.required:
        option["required"] = True
    elif field.type.kind != "struct" and field.default not in (None, [], {}):
        option["default"] = field.default
    if field.option.aliases:
        option["aliases"] = list(field.option.aliases)
    if field.option.since != "1.0.0":
        option["version_added"] = field.option.since
    return option


def _typed(wanted: Type) -> dict[str, Any]:
    documented: dict[str, Any] = {"type": _ANSIBLE_TYPES.get(wanted.kind, wanted.kind)}
    if wanted.choices:
        documented["choices"] = list(wanted.choices)
    if wanted.kind == "list" and wanted.item:
        item = _typed(wanted.item)
        documented["elements"] = item["type"]
        documented |= {key: item[key] for key in ("choices", "suboptions") if key in item}
    if wanted.struct:
        documented["suboptions"] = {field.name: _documented(field) for field in fields(wanted.struct)}
    return documented


def _fragment(options: dict[str, Any]) -> str:
    text = yaml.safe_dump({"options": options}, sort_keys=False, width=110, allow_unicode=False)
    return f'''# SPDX-License-Identifier: GPL-3.0-or-later
# {NOTE}

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
---
{text}"""
'''


#: Operations whose actions do more than run them: where the class is, and its name.
_ACTIONS = {"vm_bootstrap": ("bootstrap_action", "BootstrapAction")}


def _action(name: str) -> str:
    module, kind = _ACTIONS.get(name, ("operation_action", "OperationAction"))
    return f'''# SPDX-License-Identifier: GPL-3.0-or-later
# {NOTE}

from __future__ import annotations

from ansible_collections.meshops.mesh.plugins.plugin_utils.{module} import {kind}


class ActionModule({kind}):
    """Runs the operation {name}."""

    operation = "{name}"
'''


def _errors() -> str:
    rows = "\n".join(f"| `{code}` | {meaning} |" for code, meaning in CODES.items())
    return f"""<!-- {NOTE} -->
# Error codes

Every failure carries `error = {{code, msg, hint, where, applied, pending}}`; the codes are the same in every front and
do not change their meaning.

| code | meaning |
| --- | --- |
{rows}
"""
