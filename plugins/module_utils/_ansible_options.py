# SPDX-License-Identifier: Apache-2.0
"""Options that only the Ansible front has, as modules document them; argument specs follow from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Options = dict[str, dict[str, Any]]

#: The Kubernetes that is rendered for when nobody says another one; tested.
KUBERNETES = "1.36.0"

#: The option that these fill.
OBJECTS = "objects"
#: Where objects come from besides that option; read on the controller, whatever the connection.
SOURCES: Options = {
    "definition": {
        "description": [
            "More objects: one, a list of them, or YAML text with any number of documents. They come after O(objects)."
        ],
        "type": "raw",
    },
    "src": {
        "description": [
            "Files with more objects, as YAML or JSON: paths, directories (every C(.yaml), C(.yml) and C(.json) below "
            "them) and glob patterns. They are looked for where Ansible looks for C(files), then beside the inventory "
            "and in the current directory; vaulted ones are decrypted.",
            "What is wrong with an object is told with its file and line.",
        ],
        "type": "list",
        "elements": "str",
    },
    "template": {
        "description": [
            "The same for templates, which are looked for where Ansible looks for C(templates). In directories they "
            "may also have C(.j2) behind their names."
        ],
        "type": "list",
        "elements": "str",
    },
}

RENDERED = "rendered"
#: For O(state=rendered).
RENDERING: Options = {
    "dest": {
        "description": [
            "With O(state=rendered), the directory on the controller into which it is written: one directory per set, "
            "in it one file per object and a C(kustomization.yaml) that lists them in the order of application."
        ],
        "type": "path",
    },
    "kubernetes_version": {
        "description": ["With O(state=rendered), the version of Kubernetes that charts are told of."],
        "type": "str",
        "default": KUBERNETES,
    },
}

#: What vm_bootstrap does on hosts, and for many of them.
JOINING: Options = {
    "return_files": {
        "description": [
            "Return the files instead of writing them on the host; the result is censored in output, and whole in what "
            "C(register) keeps."
        ],
        "type": "bool",
        "default": False,
    },
    "hosts": {
        "description": [
            "With O(return_files), hosts for which the cluster is asked in one go: for each its name as C(host), and "
            "the options that differ from those of the task."
        ],
        "type": "list",
        "elements": "dict",
    },
}

#: For every operation.
ANSWER: Options = {
    "query": {
        "description": ["JMESPath expression; what it finds in the result is returned as RV(queried)."],
        "type": "str",
    },
}


def all_options(operation: Any, of_spec: Options, form: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> Options:
    """The options of a module: those of its spec, and its own in the same form."""
    own = own_options(operation)
    joined = {**of_spec, **{name: form(documented) for name, documented in own.items()}}
    # Objects may come from elsewhere, and each of many hosts may say everything itself.
    brought = [OBJECTS] if own.keys() >= SOURCES.keys() else [*of_spec] if own.keys() >= JOINING.keys() else []
    return {
        name: {key: value for key, value in option.items() if key != "required"} if name in brought else option
        for name, option in joined.items()
    }


def own_options(operation: Any) -> Options:
    """What the module of an operation takes besides its spec, how to run, and how to connect."""
    return {
        **(SOURCES if OBJECTS in operation.spec.__dataclass_fields__ else {}),
        **(RENDERING if RENDERED in states(operation) else {}),
        **(JOINING if operation.name == "vm_bootstrap" else {}),
        **ANSWER,
    }


def states(operation: Any) -> list[str]:
    """The states of a module; none where it has no such option."""
    if not hasattr(operation, "states"):
        return []
    return [*operation.states, RENDERED] if operation.renders else [*operation.states]


def argument(documented: dict[str, Any]) -> dict[str, Any]:
    """The argument of a documented option."""
    return {key: value for key, value in documented.items() if key != "description"} | {"no_log": False}
