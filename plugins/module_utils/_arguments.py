# SPDX-License-Identifier: Apache-2.0
"""Arguments of modules: what there are, by the specs of the operations, and their checking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ._ansible_options import all_options, argument, states
from ._declared import HOSTS, declared, given
from .mesh.model.errors import MeshError
from .mesh.model.operation import AnyOperation, Declarative
from .mesh.model.options import RunOptions
from .mesh.model.spec import Field, Type, chosen, fields, name_of, parse, unknown_option
from .mesh.operations.registry import OPERATIONS

ArgumentSpec = dict[str, dict[str, Any]]

#: Options to reach a cluster, as kubernetes.core names them; each falls back on K8S_AUTH_<NAME>.
CONNECTION: ArgumentSpec = {
    "kubeconfig": {"type": "raw"},
    "context": {"type": "str"},
    "host": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
    "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
    "client_cert": {"type": "path", "aliases": ["cert_file"]},
    "client_key": {"type": "path", "aliases": ["key_file"], "no_log": False},
    "proxy": {"type": "str"},
    "impersonate_user": {"type": "str"},
    "impersonate_groups": {"type": "list", "elements": "str"},
}
#: Some names of kubernetes.core's variables differ from K8S_AUTH_<NAME>.
_VARIABLES = {
    "ca_cert": "SSL_CA_CERT",
    "client_cert": "CERT_FILE",
    "client_key": "KEY_FILE",
    "validate_certs": "VERIFY_SSL",
}

_ANSIBLE_TYPES = {"enum": "str", "map": "dict", "object": "dict", "struct": "dict"}


def argument_spec(operation: AnyOperation) -> ArgumentSpec:
    """The argument spec of an operation's module: its spec, how to run, how to connect."""
    spec = all_options(operation, {field.name: _argument(field) for field in fields(operation.spec)}, argument)
    if isinstance(operation, Declarative):
        spec["state"] = {"type": "str", "choices": states(operation), "default": "present"}
        spec |= {field.name: _argument(field) for field in fields(RunOptions)}
    return {**spec, **{name: _connection_argument(name, option) for name, option in CONNECTION.items()}}


def _connection_argument(name: str, option: Mapping[str, Any]) -> dict[str, Any]:
    variables = dict.fromkeys((f"K8S_AUTH_{name.upper()}", f"K8S_AUTH_{_VARIABLES.get(name, name.upper())}"))
    return {**option, "fallback": (env_fallback, list(variables))}


def _argument(field: Field) -> dict[str, Any]:
    argument = _typed(field.type)
    if field.required:
        argument["required"] = True
    elif _plain_default(field) is not None:
        argument["default"] = _plain_default(field)
    if field.option.aliases:
        argument["aliases"] = list(field.option.aliases)
    # Said for every option, so that Ansible does not guess by the name.
    argument["no_log"] = field.option.secret
    return argument


def _plain_default(field: Field) -> Any:
    """The default as Ansible documents it; structs and empty collections have none of their own."""
    return None if field.type.kind == "struct" or field.default in ([], {}) else field.default


def _typed(wanted: Type) -> dict[str, Any]:
    argument: dict[str, Any] = {"type": _ANSIBLE_TYPES.get(wanted.kind, wanted.kind)}
    if wanted.choices:
        argument["choices"] = list(wanted.choices)
    if wanted.kind == "list" and wanted.item:
        item = _typed(wanted.item)
        argument["elements"] = item["type"]
        argument |= {key: item[key] for key in ("choices", "options") if key in item}
    if wanted.struct:
        argument["options"] = {field.name: _argument(field) for field in fields(wanted.struct)}
    return argument


def _as_typed(operation: AnyOperation, item: Any) -> Any:
    """What one of many hosts says, with the types of the options; what cannot be converted is for who looks closer."""
    if not isinstance(item, Mapping):
        return item
    spec = {field.name: {**_typed(field.type), "no_log": False} for field in fields(operation.spec)}
    own = {key: value for key, value in item.items() if key in spec}
    converted = ArgumentSpecValidator(spec).validate(own).validated_parameters
    return {**item, **{key: converted[key] for key in own}}


def validated(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments with types and defaults as a module would have them; raises MeshError ``invalid_option``.

    Ansible converts and checks; what it complains about is said in the core's words, which name one place.
    """
    operation = OPERATIONS[name]
    spec = argument_spec(operation)
    known = [*spec, *(alias for option in spec.values() for alias in option.get("aliases", ()))]
    for key in arguments:
        if key not in known:
            raise unknown_option(key, "", list(spec))
    _refuse_as_text(spec, arguments)
    checked = ArgumentSpecValidator(spec).validate(dict(arguments))
    parameters: dict[str, Any] = checked.validated_parameters
    if HOSTS in spec and isinstance(parameters.get(HOSTS), list):
        parameters[HOSTS] = [_as_typed(operation, item) for item in parameters[HOSTS]]
    declared(operation, parameters)
    if isinstance(operation, Declarative):
        parse(RunOptions, given(parameters, RunOptions))
        chosen(str(parameters["state"]), states(operation), "state")
    if checked.error_messages:
        declared(operation, arguments)  # what could not be converted is not among parameters
        raise MeshError("invalid_option", "; ".join(checked.error_messages))
    return parameters


def _refuse_as_text(spec: Mapping[str, Any], arguments: Mapping[str, Any], path: str = "") -> None:
    """Raise for maps and lists where a text should be: Ansible would write them as Python does."""
    names = {alias: name for name, option in spec.items() for alias in (name, *option.get("aliases", ()))}
    for key, value in arguments.items():
        option = spec.get(names.get(key, ""), {})
        listed = option.get("type") == "list" and isinstance(value, list)
        for index, item in enumerate(value if listed else [value]):
            where = f"{path}{key}[{index}]" if listed else f"{path}{key}"
            if isinstance(item, (dict, list)) and option.get("elements" if listed else "type") == "str":
                raise MeshError("invalid_option", f"must be a string, not {name_of(item)}", where=where)
            if isinstance(item, dict) and "options" in option:
                _refuse_as_text(option["options"], item, f"{where}.")
