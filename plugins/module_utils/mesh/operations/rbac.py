# SPDX-License-Identifier: Apache-2.0
"""The least permissions for declarations: every operation is run on an imagined copy of the cluster, which notes what
one must be allowed to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from ..apply.diagnosis import of_workload
from ..apply.engine import run
from ..apply.rehearsal import LONGEST, heedless
from ..kube.cluster import Cluster
from ..kube.imagined import imagine
from ..kube.libraries import yaml
from ..model.errors import MeshError
from ..model.objects import Object, Ref
from ..model.operation import AnyOperation, Declarative, Query, Reader
from ..model.options import Connection, Mode, RunOptions
from ..model.spec import fields, parse, unknown_option
from ..model.specs.rbac import RbacSpec
from ..render import rbac

#: Options of a declaration that say how to reach a cluster and how to run.
_ASIDE = frozenset({"state", *(field.name for field in fields(RunOptions)), *Connection.__dataclass_fields__})


class Declared(NamedTuple):
    """One declaration, and its place in the list."""

    place: str
    operation: AnyOperation
    spec: Any


def over(operations: Mapping[str, AnyOperation]) -> Query[RbacSpec]:
    """The query that knows these operations."""
    return Query("rbac", RbacSpec, lambda cluster, spec: _answer(operations, cluster, spec))


def _answer(operations: Mapping[str, AnyOperation], cluster: Reader, spec: RbacSpec) -> dict[str, Any]:
    """``{objects, yaml}``."""
    declared = [_parsed(operations, item, f"declarations[{index}]") for index, item in enumerate(spec.declarations)]
    left = [
        obj for item in declared if isinstance(item.operation, Declarative) for obj in item.operation.leaves(item.spec)
    ]
    twin, needs = imagine(cast(Cluster, cluster), left, alone=False)  # the only reader there is
    with contextlib.closing(twin):
        for item, mode, options in _steps(declared):
            before = set(needs.permissions)
            _rehearse(item, twin, mode, options)
            if mode.state != "present" and not spec.removal:
                needs.permissions &= before
    objects = rbac.objects(needs, spec.name, _subject(spec))
    return {"objects": objects, "yaml": yaml.safe_dump_all(objects, sort_keys=False, width=110)}


def _parsed(operations: Mapping[str, AnyOperation], item: Mapping[str, Any], place: str) -> Declared:
    (name, options), *_ = item.items()
    if name not in operations:
        raise unknown_option(name, place, list(operations))
    if not isinstance(options or {}, Mapping):
        raise MeshError("invalid_option", "must be a map of options", where=f"{place}.{name}")
    kept = {key: value for key, value in (options or {}).items() if key not in _ASIDE}
    return Declared(
        f"{place}.{name}", heedless(operations[name]), parse(operations[name].spec, kept, f"{place}.{name}")
    )


def _steps(declared: Sequence[Declared]) -> Iterator[tuple[Declared, Mode, RunOptions]]:
    """All that may happen to a declaration: brought about from what is there, kept, taken away, brought about from
    nothing, forgotten. Whatever is in the way is taken over."""
    options = RunOptions(adopt=True, force=True, wait_timeout=LONGEST)
    kept = [item for item in declared if isinstance(item.operation, Declarative)]
    for item in declared:
        yield item, Mode(check=True), options
        yield item, Mode(), options
    for item in reversed(kept):
        yield item, Mode(), options
        yield item, Mode("absent", check=True), options
        yield item, Mode("absent"), options
        yield item, Mode("absent"), replace(options, purge=True)
    for item in kept:
        yield item, Mode(), options
    for item in reversed(kept):
        if "released" in item.operation.states:
            yield item, Mode("released"), options


def _rehearse(item: Declared, twin: Cluster, mode: Mode, options: RunOptions) -> None:
    twin.name = item.place
    report = run(item.operation, item.spec, twin, options, mode, lambda _line: None)
    for change in report.objects:
        # Where it takes long, the wait looks at pods.
        obj = _live(twin, change.ref) if change.action == "create" else None
        if obj:
            of_workload(twin, obj)


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
