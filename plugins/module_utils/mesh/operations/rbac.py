# SPDX-License-Identifier: Apache-2.0
"""The least permissions for declarations: every operation is run on an imagined copy of the cluster, which notes what
one must be allowed to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from ..apply.diagnosis import diagnose
from ..apply.engine import run
from ..apply.readiness import status_of
from ..apply.rehearsal import LONGEST, heedless
from ..kube.cluster import Cluster
from ..kube.imagined import imagine
from ..kube.libraries import yaml
from ..model.errors import MeshError
from ..model.objects import Object, Ref
from ..model.operation import AnyOperation, Declarative, Query, Reader, State
from ..model.options import Connection, Mode, RunOptions
from ..model.spec import chosen, fields, parse, unknown_option
from ..model.specs.rbac import RbacResult, RbacSpec
from ..render import rbac

#: Options of a declaration that say how to reach a cluster and how to run.
_RUN = frozenset(field.name for field in fields(RunOptions))
_ASIDE = frozenset({"state", *_RUN, *Connection.__dataclass_fields__})


class Declared(NamedTuple):
    """One declaration, and its place in the list."""

    place: str
    operation: AnyOperation
    spec: Any
    options: RunOptions
    state: State


def over(operations: Mapping[str, AnyOperation]) -> Query[RbacSpec]:
    """The query that knows these operations."""
    return Query("rbac", RbacSpec, lambda cluster, spec: _answer(operations, cluster, spec), RbacResult)


def _answer(operations: Mapping[str, AnyOperation], cluster: Reader, spec: RbacSpec) -> dict[str, Any]:
    """``{objects, yaml}``."""
    declared = list(_declared(operations, spec))
    left = [
        obj for item in declared if isinstance(item.operation, Declarative) for obj in item.operation.leaves(item.spec)
    ]
    twin, needs = imagine(cast(Cluster, cluster), left)  # the only reader there is
    with contextlib.closing(twin):
        for item, mode, purge in _steps(declared):
            before = set(needs.permissions)
            _rehearse(item, twin, mode, purge)
            if mode.state != item.state and not spec.removal:
                needs.permissions &= before
    for item in declared:
        needs.permissions.update(item.operation.needs(item.spec))
    objects = rbac.objects(needs, spec.name, _subject(spec))
    return {"objects": objects, "yaml": yaml.safe_dump_all(objects, sort_keys=False, width=110)}


def _declared(operations: Mapping[str, AnyOperation], spec: RbacSpec) -> Iterator[Declared]:
    for index, item in enumerate(spec.declarations):
        for name, value in item.items():
            place = f"declarations[{index}].{name}"
            if name not in operations:
                raise unknown_option(name, f"declarations[{index}]", list(operations))
            several = isinstance(value, list)
            for number, options in enumerate(value if several else [value]):
                yield _parsed(operations[name], options, f"{place}[{number}]" if several else place)


def _parsed(operation: AnyOperation, given: Any, place: str) -> Declared:
    if not isinstance(given or {}, Mapping):
        raise MeshError("invalid_option", "must be a map of options", where=place)
    options = dict(given or {})
    run_options = parse(RunOptions, {key: value for key, value in options.items() if key in _RUN}, place)
    spec = parse(operation.spec, {key: value for key, value in options.items() if key not in _ASIDE}, place)
    states = operation.states if isinstance(operation, Declarative) else ("present",)
    state = cast(State, chosen(str(options.get("state", "present")), states, f"{place}.state"))
    return Declared(place, heedless(operation), spec, replace(run_options, wait=True, wait_timeout=LONGEST), state)


def _steps(declared: Sequence[Declared]) -> Iterator[tuple[Declared, Mode, bool]]:
    """All that may happen to a declaration, each with whether it purges: brought about from what is there, kept, taken
    away, brought about from nothing, forgotten. What is declared absent is only taken away."""
    for item in declared:
        yield item, Mode(item.state, check=True), False
        yield item, Mode(item.state), False
    for item in declared:
        if item.state == "absent":
            yield item, Mode("absent"), True
    kept = [item for item in declared if isinstance(item.operation, Declarative) and item.state == "present"]
    for item in reversed(kept):
        yield item, Mode(), False
        yield item, Mode("absent", check=True), False
        yield item, Mode("absent"), False
        yield item, Mode("absent"), True
    for item in kept:
        yield item, Mode(), False
    for item in reversed(kept):
        if "released" in item.operation.states:
            yield item, Mode("released"), False


def _rehearse(item: Declared, twin: Cluster, mode: Mode, purge: bool) -> None:
    twin.name = item.place
    options = replace(item.options, purge=purge)
    try:
        report = run(item.operation, item.spec, twin, options, mode, lambda _line: None)
    except MeshError as error:
        # What a query stands on may come later; what it then asks for, it tells itself.
        if isinstance(item.operation, Query) and error.code == "missing_dependency":
            return
        raise
    for change in report.objects:
        # Where it takes long, the wait looks at what others say.
        obj = _live(twin, change.ref) if change.action == "create" else None
        if obj and not status_of(obj).ready:
            diagnose(twin, obj)


def _live(twin: Cluster, key: Ref) -> Object | None:
    resource = twin.kinds.find(key.group, key.kind)
    return twin.get_at(resource, key.namespace, key.name) if resource else None


def _subject(spec: RbacSpec) -> dict[str, str] | None:
    if spec.subject is None:
        return None
    kind, name, namespace = spec.subject.kind, spec.subject.name, spec.subject.namespace
    if kind == "ServiceAccount":
        if not namespace:
            raise MeshError("invalid_option", "is required for a ServiceAccount", where="subject.namespace")
        return {"kind": kind, "name": name, "namespace": namespace}
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
