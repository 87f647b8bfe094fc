# SPDX-License-Identifier: Apache-2.0
"""A role per declarative operation: a list of the module's options, validated, then applied one by one."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import yaml
from mesh.model.operation import Declarative

from pulumi_mesh.provider.naming import markdown

from .note import NOTE

_ROOT = Path(__file__).resolve().parents[1]
#: Which option says what an item of the list is, for the loop's label.
_LABELS = {
    "control_plane": "revision | default('default')",
    "gateway_api": "channel | default('standard')",
    "revision_tag": "tag",
    "waypoint": "name | default('waypoint')",
    "workload_group": "name",
    "injection": "namespaces | join(', ')",
}


_OF_THE_MODULE = re.compile(r"\b(O|RV)\((?![\w.]+#)")


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as ansible-lint wants."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def files(name: str, operation: Declarative[Any, Any], options: dict[str, Any]) -> dict[str, str]:
    """Path -> text for the role of one operation; ``options`` are as the module documents them."""
    root = f"roles/{name}"
    summary = (operation.spec.__doc__ or "").strip().splitlines()[0].rstrip(".")
    return {
        f"{root}/README.md": _readme(name, summary, options),
        f"{root}/defaults/main.yml": _yaml(
            {f"{name}_list": [], **{f"{name}_{key}": value for key, value in _FOR_ALL.items()}}
        ),
        f"{root}/meta/main.yml": _yaml(_meta(summary)),
        f"{root}/meta/argument_specs.yml": _yaml(_argument_specs(name, summary, options)),
        f"{root}/tasks/main.yml": _yaml([_task(name, summary, options)]),
    }


def _yaml(value: Any) -> str:
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=110)
    return f"---\n# {NOTE}\n{text}"


def _meta(summary: str) -> dict[str, Any]:
    return {
        "galaxy_info": {
            "author": "meshops",
            "description": summary,
            "license": "GPL-3.0-or-later",
            "min_ansible_version": "2.17",
        },
        "dependencies": [],
    }


def _argument_specs(name: str, summary: str, options: dict[str, Any]) -> dict[str, Any]:
    listed = {
        "description": ["What to apply, in order; each item has the options of the module of that name."],
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {key: _nested(option, name) for key, option in options.items()},
    }
    for_all = {
        f"{name}_{key}": {**options[key], "description": [f"C({key}) of every item that does not say it itself."]}
        for key in _FOR_ALL
    }
    described = {
        "short_description": summary,
        "description": [f"Calls M(meshops.mesh.{name}) for each item of a list. What it takes and does is told there."],
    }
    return {"argument_specs": {"main": {**described, "options": {f"{name}_list": listed, **for_all}}}}


def _nested(option: dict[str, Any], name: str) -> dict[str, Any]:
    """Role specs say ``options`` where modules say ``suboptions``. Defaults stay with the module."""
    result = {key: value for key, value in copy.deepcopy(option).items() if key not in ("default", "suboptions")}
    # What a text says of other options is meant of the module's.
    result["description"] = [
        _OF_THE_MODULE.sub(rf"\1(meshops.mesh.{name}#module:", text) for text in result["description"]
    ]
    if "suboptions" in option:
        result["options"] = {key: _nested(inner, name) for key, inner in option["suboptions"].items()}
    return result


#: Options that a variable of the role sets for all items that do not say otherwise.
_FOR_ALL = {"state": "present", "purge": False}


def _task(name: str, summary: str, options: dict[str, Any]) -> dict[str, Any]:
    item = f"{name}_list[item]"
    required = {key: f"{{{{ {item}.{key} }}}}" for key, option in options.items() if option.get("required")}
    for_all = {key: f"{{{{ {item}.{key} | default({name}_{key}) }}}}" for key in _FOR_ALL}
    # Who renders asks no cluster, whatever an item says of itself.
    rendering = f"{name}_state == 'rendered'"
    for_all["state"] = f"{{{{ 'rendered' if {rendering} else {item}.state | default({name}_state) }}}}"
    return {
        "name": summary,
        f"meshops.mesh.{name}": {**required, **for_all},
        # The other options of the item, in one piece: a template per option would make the loop four times slower.
        "vars": {"meshops_item": f"{{{{ {item} }}}}"},
        # By number, because Ansible prints the loop's item when a task fails, and items may hold secrets.
        "loop": f"{{{{ range({name}_list | length) | sort(reverse={name}_state in ['absent', 'released']) }}}}",
        "when": f"{name}_state != 'rendered' or {item}.state | default('present') == 'present'",
        "loop_control": {"label": f"{{{{ {item}.{_LABELS.get(name, 'name')} }}}}"},
        "register": f"{name}_result",
        "tags": [name],
    }


def _example(name: str) -> str:
    """Where a list for the role stands: in the example's inventory, in that of Molecule's scenarios, or in the
    variables of a scenario."""
    places = {
        "examples/inventory": "examples/inventory/group_vars/mesh_clusters/*.yml",
        "molecule/inventory": "molecule/inventory/group_vars/*.yml",
        **{str(path.relative_to(_ROOT)): f"{path.relative_to(_ROOT)}/*.yml" for path in _ROOT.glob("molecule/*/vars")},
    }
    texts = (
        (place, path.read_text(encoding="utf-8")) for place, files_ in places.items() for path in _ROOT.glob(files_)
    )
    return next((place for place, text in texts if f"\n{name}_list:" in text), "molecule/inventory")


def _readme(name: str, summary: str, options: dict[str, Any]) -> str:
    rows = "\n".join(
        f"| `{key}` | {_type(option)} | {_cell(' '.join(option['description']))} |" for key, option in options.items()
    )
    return f"""<!-- {NOTE} -->
# Role {name}

{summary}. The role applies every item of `{name}_list` with the module `meshops.mesh.{name}`; an example is in
`{_example(name)}`.

| option of an item | type | meaning |
| --- | --- | --- |
{rows}
"""


def _cell(text: str) -> str:
    """For a table; options keep Ansible's spelling."""
    return markdown(text, spelled=str).replace("|", "/")


def _type(option: dict[str, Any]) -> str:
    text = str(option["type"]) + (", required" if option.get("required") else "")
    return f"{text}, default `{option['default']}`" if "default" in option else text
