# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects from files, templates and text, read on the controller, each with the place that it has there."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from ansible.errors import AnsibleError
from ansible.module_utils.compat.version import LooseVersion
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.release import __version__ as ansible_version
from ansible_collections.meshops.mesh.plugins.module_utils._ansible_options import (
    ANSWER,
    OBJECTS,
    RENDERING,
    SOURCES,
)
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.model.errors import MeshError
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.manifests import located, opened
from ansible_collections.meshops.mesh.plugins.module_utils.mesh.render.sources import SUFFIXES, files, objects_in

#: The option of rbac that holds options of others.
DECLARATIONS = "declarations"

Located = tuple[str, dict[str, Any]]

_TEMPLATES = (*SUFFIXES, *(f"{suffix}.j2" for suffix in SUFFIXES))
#: Before 2.19, what looks like a list or a map became one.
_AS_TEXT = {"convert_data": False} if LooseVersion(ansible_version) < LooseVersion("2.19") else {}


class Reader(NamedTuple):
    """Where Ansible keeps such files, what they are called in a directory, and the lookup that reads them."""

    subdirectory: str
    suffixes: tuple[str, ...]
    lookup: str
    options: Mapping[str, Any]


_READERS = {
    "src": Reader("files", SUFFIXES, "ansible.builtin.file", {"rstrip": False, "lstrip": False}),
    "template": Reader("templates", _TEMPLATES, "ansible.builtin.template", _AS_TEXT),
}


class Sources:
    """What a task's options of SOURCES lead to, for one action plugin."""

    def __init__(self, action: ActionBase, variables: Mapping[str, Any], options: Collection[str]) -> None:
        self._action = action
        #: Whether the operation knows such options at all; where it does not, they are refused later.
        self._takes = OBJECTS in options or DECLARATIONS in options
        self._variables = dict(variables)
        #: ``Kind namespace/name``, and ``Kind name`` as the set's own checks say it -> place.
        self._places: dict[str, str] = {}

    def resolve(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments with all objects in O(objects), also in declarations. Raises MeshError with file and line."""
        if DECLARATIONS in arguments:
            return {**arguments, DECLARATIONS: self._of_declarations(arguments[DECLARATIONS])}
        given = {key: value for key, value in arguments.items() if key in SOURCES and value is not None}
        if (
            not given or not self._takes or not isinstance(arguments.get(OBJECTS) or [], list)
        ):  # what is no list is refused later
            return arguments
        objects = list(self._found(given))
        for place, obj in objects:
            name, namespace = obj["metadata"]["name"], obj["metadata"].get("namespace") or arguments.get("namespace")
            self._places[f"{obj['kind']} {name}"] = self._places[f"{obj['kind']} {namespace}/{name}"] = place
        kept = {key: value for key, value in arguments.items() if key not in SOURCES}
        return {**kept, OBJECTS: [*(arguments.get(OBJECTS) or ()), *(obj for _place, obj in objects)]}

    def _of_declarations(self, value: Any) -> Any:
        """``[{<operation>: options or a list of them}]``; what has another shape is refused later."""
        if not isinstance(value, list):
            return value
        return [
            {name: self._of_options(options) for name, options in item.items()} if isinstance(item, dict) else item
            for item in value
        ]

    def _of_options(self, options: Any) -> Any:
        if isinstance(options, list):
            return [self._of_options(item) for item in options]
        if not isinstance(options, dict):
            return options
        return self.resolve({key: value for key, value in options.items() if key not in (*RENDERING, *ANSWER)})

    def placed(self, result: dict[str, Any]) -> dict[str, Any]:
        """A failed result that also says in which file the object is that it is about."""
        where = str((result.get("error") or {}).get("where", ""))
        place = self._place_of(where)
        if not place:
            return result
        error = {**result["error"], "where": f"{place}: {where}"}
        return {**result, "error": error, "msg": f"{place}: {result['msg']}"}

    def _place_of(self, where: str) -> str:
        # Names of roles may have colons in them; after any name there may be one, and then a field.
        ends = r"(?![\w.-]|:\S)"
        found = (name for name in self._places if re.search(rf"(?<![\w.:-]){re.escape(name)}{ends}", where))
        return self._places.get(next(found, ""), "")

    def _found(self, given: Mapping[str, Any]) -> Iterator[Located]:
        if "definition" in given:
            yield from _defined(given["definition"])
        for option, reader in _READERS.items():
            for path in self._paths(given.get(option), option, reader):
                yield from objects_in(path, self._read(path, reader))

    def _paths(self, patterns: Any, option: str, reader: Reader) -> Iterator[str]:
        if not isinstance(patterns, (str, list, type(None))):
            raise MeshError("invalid_option", "must be a list of paths", where=option)
        for pattern in [patterns] if isinstance(patterns, str) else patterns or ():
            found = self._matching(str(pattern), reader)
            if not found:
                searched = ", ".join(self._roots())
                hint = f"looked in {searched}, and there in {reader.subdirectory}"
                raise MeshError("invalid_option", f"no file matches {pattern}", where=option, hint=hint)
            yield from found

    def _matching(self, pattern: str, reader: Reader) -> list[str]:
        """Files of the first place that has any."""
        expanded = os.path.expanduser(pattern)
        places = [os.path.join(root, part) for root in self._roots() for part in (reader.subdirectory, "")]
        # What is absolute stays so when it is joined.
        return next(filter(None, (files(os.path.join(place, expanded), reader.suffixes) for place in places)), [])

    def _roots(self) -> list[str]:
        """Where Ansible looks, then where a playbook of a collection has the user's files."""
        inventory = self._variables.get("inventory_dir")
        places = [*self._action._task.get_search_path(), self._action._loader.get_basedir()]
        return list(dict.fromkeys([*places, *([str(inventory)] if inventory else []), os.getcwd()]))

    def _read(self, path: str, reader: Reader) -> str:
        plugin = lookup_loader.get(reader.lookup, loader=self._action._loader, templar=self._action._templar)
        variables = {**self._variables, "ansible_search_path": self._roots()}
        try:
            (text,) = plugin.run([path], variables=variables, **reader.options)
        except AnsibleError as error:
            raise MeshError("invalid_option", " ".join(str(error).split()), where=path) from error
        return str(text)


def _defined(value: Any) -> list[Located]:
    if isinstance(value, str):
        return located(value, "definition")
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in opened(item, f"definition[{index}]")]
    return list(opened(value, "definition"))
