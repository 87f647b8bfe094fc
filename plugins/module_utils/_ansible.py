# SPDX-License-Identifier: Apache-2.0
"""All Ansible glue that modules and action plugins share: argument specs, connection options, results."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .mesh.apply.engine import run
from .mesh.kube.cluster import Cluster, connect
from .mesh.kube.libraries import MISSING
from .mesh.model.errors import MeshError
from .mesh.model.operation import AnyOperation, Declarative
from .mesh.model.options import Connection, Mode, RunOptions
from .mesh.model.report import APPLIED, Report
from .mesh.model.secrets import REDACTED, without_userinfo
from .mesh.model.spec import Field, Type, chosen, fields, parse, unknown_option
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
    spec = {field.name: _argument(field) for field in fields(operation.spec)}
    if isinstance(operation, Declarative):
        spec["state"] = {"type": "str", "choices": list(operation.states), "default": "present"}
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
    checked = ArgumentSpecValidator(spec).validate(dict(arguments))
    parameters: dict[str, Any] = checked.validated_parameters
    parse(operation.spec, _chosen(parameters, operation.spec))
    if isinstance(operation, Declarative):
        parse(RunOptions, _chosen(parameters, RunOptions))
        chosen(str(parameters["state"]), operation.states, "state")
    if checked.error_messages:
        parse(operation.spec, _chosen(arguments, operation.spec))  # what could not be converted is not among parameters
        raise MeshError("invalid_option", "; ".join(checked.error_messages))
    return parameters


def failure(name: str, error: MeshError, plan: Sequence[str] = ()) -> dict[str, Any]:
    """The result of a failed task that runs the operation of that name."""
    told = {"failed": True, "changed": bool(error.applied), "msg": str(error), "error": error.as_dict()}
    return {**told, "plan": list(plan)} if isinstance(OPERATIONS[name], Declarative) else told


def perform(
    name: str, arguments: Mapping[str, Any], *, check: bool, diff: bool, host: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Run an operation with validated arguments; the result is what a task returns, failures included."""
    operation = OPERATIONS[name]
    plan: list[str] = []

    def progress(line: str) -> None:
        plan.append(line)
        tell(f"{host}: {line}")

    try:
        spec = parse(operation.spec, _chosen(arguments, operation.spec))
        options = parse(RunOptions, _chosen(arguments, RunOptions))
    except MeshError as error:
        return failure(name, error.at(host))
    try:
        connection = Connection(
            **{key: _connected(arguments[key]) for key in CONNECTION if arguments.get(key) is not None}
        )
        cluster = connect(connection, host)
        try:
            mode = Mode(arguments.get("state", "present"), check)
            with _stopped_by_signals(cluster):
                report = run(operation, spec, cluster, options, mode, progress)
        finally:
            cluster.close()
    except MeshError as error:
        return failure(name, error, plan)
    if not isinstance(operation, Declarative):
        return {"changed": report.changed, **report.result, "warnings": report.warnings}
    result = {**report.as_dict(), "plan": plan, "warnings": report.warnings}
    return {**result, "diff": list(_diff(report))} if diff else result


@contextlib.contextmanager
def _stopped_by_signals(cluster: Cluster) -> Iterator[None]:
    """The first SIGINT or SIGTERM lets requests in flight end and gives locks back; the second ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, before[number])
        cluster.transport.cancel()

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _chosen(arguments: Mapping[str, Any], spec: type) -> dict[str, Any]:
    return {field.name: arguments[field.name] for field in fields(spec) if arguments.get(field.name) is not None}


def _connected(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


#: Characters of one side of one object's diff; a new CRD alone has ten thousand lines.
_LONGEST = 8000


def _diff(report: Report) -> Iterator[dict[str, str]]:
    for change in report.objects:
        if change.action not in (*APPLIED, "delete"):
            continue
        sides = {field.path: _differing(field.before, field.after) for field in change.fields}
        yield {
            "before_header": f"{change.ref}",
            "after_header": f"{change.ref} ({change.action})",
            "before": _text({path: before for path, (before, _after) in sides.items() if before is not None}),
            "after": _text({path: after for path, (_before, after) in sides.items() if after is not None}),
        }


#: Lines beyond which texts are not compared line by line, which takes the square of their number.
_MOST_LINES = 4000


def _differing(before: Any, after: Any) -> tuple[Any, Any]:
    """Of long texts the lines that differ, with some around them."""
    if not (isinstance(before, str) and isinstance(after, str)):
        return before, after
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) not in range(2, _MOST_LINES):
        return before, after
    sides: tuple[list[str], list[str]] = ([], [])
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes():
        first, last = group[0], group[-1]  # (tag, old from, old to, new from, new to)
        for side, lines in zip(sides, (old[first[1] : last[2]], new[first[3] : last[4]]), strict=True):
            side += [*(["..."] if first[1] else []), *lines]
    return tuple("\n".join([*side, ""]) for side in sides)


def _text(values: Mapping[str, Any]) -> str:
    text = "".join(f"{path}: {_value(value)}\n" for path, value in values.items())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n... {len(text) - _LONGEST} more characters\n"


def _value(value: Any) -> str:
    """Texts of several lines line by line, so that a diff shows those that differ."""
    if isinstance(value, str) and "\n" in value:
        return "|\n" + "\n".join(f"  {line}" for line in value.splitlines())
    return json.dumps(value, indent=2, sort_keys=True)


def _shown(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that every result repeats: without maps and lists, in which secrets may be, nor other texts that
    may hold some: what should be a map and is not, an address with a password."""
    plain = {key: value for key, value in arguments.items() if not isinstance(value, (dict, list))}
    texts = {key: without_userinfo(value) for key, value in plain.items() if isinstance(value, str)}
    return {**plain, **{key: REDACTED if "\n" in text or "{" in text else text for key, text in texts.items()}}


def run_module(name: str) -> None:
    """The whole of a module: for connections that are not local, or hosts where Ansible's Python lacks libraries."""
    # no_log keeps the arguments out of the host's system log: objects may be Secrets.
    module = AnsibleModule(argument_spec=argument_spec(OPERATIONS[name]), supports_check_mode=True, no_log=True)
    if MISSING:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=MISSING)
    host = module.params.get("context") or os.environ.get("K8S_AUTH_CONTEXT") or "cluster"
    result = perform(
        name, module.params, check=module.check_mode, diff=module._diff, host=host, tell=lambda _line: None
    )
    result["invocation"] = {"module_args": _shown(module.params)}
    for text in result.pop("warnings", ()):
        module.warn(text)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


__all__ = ["argument_spec", "failure", "perform", "run_module", "validated"]
