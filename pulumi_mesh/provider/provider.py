# SPDX-License-Identifier: Apache-2.0
"""The life of resources: check, diff, create, read, update, delete, each a run of the operation behind the type."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable
from typing import Any

from .._core.model.errors import MeshError
from .._core.model.operation import Declarative, Query
from .._core.model.options import Mode, RunOptions
from .._core.model.report import Report
from .._core.model.spec import parse
from .._core.operations.registry import OPERATIONS
from . import claims, kept
from .configuration import Configuration
from .differences import Difference
from .found import Found
from .host import WARNING, Host
from .imports import existing
from .inventory import CHANGES, applied, changes, declared_part, found, gone
from .naming import function, options, pascal, property_path
from .properties import UNKNOWN, Properties, known, plain, secret_texts
from .resources import CLAIM, Declared, Resource, reason
from .sessions import Hide, Sessions

PACKAGE = "mesh"

#: Errors after which a diff or a preview goes by the state: nobody answers, or nobody may look.
_DEGRADING = frozenset({"cluster_unreachable", "cluster_config"})


class InitFailed(Exception):
    """Something was made before the run failed: the state keeps it, and the next run goes on."""

    def __init__(self, identifier: str, inputs: Properties, outputs: Properties, error: MeshError) -> None:
        super().__init__(str(error))
        self.id, self.inputs, self.outputs, self.error = identifier, inputs, outputs, error


@functools.cache
def resources() -> dict[str, Resource]:
    """Every type of resource by its token."""
    found_ = [operation for operation in OPERATIONS.values() if isinstance(operation, Declarative)]
    return {f"{PACKAGE}:index:{pascal(operation.name)}": Resource(operation) for operation in found_}


@functools.cache
def functions() -> dict[str, Query[Any]]:
    """Every function by its token."""
    found_ = [operation for operation in OPERATIONS.values() if isinstance(operation, Query) and not operation.kept]
    return {f"{PACKAGE}:index:{function(operation.name)}": operation for operation in found_}


class Provider:
    """A configured provider."""

    def __init__(self, configuration: Configuration, host: Host) -> None:
        self._host = host
        #: By urn what the last check saw: the diff that follows it need not ask the cluster again. No inputs where it
        #: could not look.
        self._checked: dict[str, tuple[Properties | None, Report | None]] = {}
        #: Urns whose resource goes before its successor comes: what that will find cannot be told yet.
        self._replacing: set[str] = set()
        self._lock = threading.Lock()
        connection = configuration.connection
        self._sessions = None if connection is None else Sessions(connection, configuration.secrets)

    def life(self, token: str) -> Provider | kept.Kept:
        """Who knows the life of resources of a type."""
        operation = kept.operations(PACKAGE).get(token)
        return self if operation is None else kept.Kept(operation, self._host, self._at_work)

    def check(
        self, token: str, urn: str, before: Properties, inputs: Properties
    ) -> tuple[Properties, list[tuple[str, str]]]:
        """The inputs with defaults, and what is wrong with them as ``(property path, reason)``. Where there is
        something already, the plan stands among the inputs, so that the diff can show it."""
        resource = _resource(token)
        wrong = list(resource.problems(inputs))
        completed = resource.completed(inputs)
        with self._lock:
            self._checked[urn] = None, None
        if wrong or not before:
            return completed, wrong
        try:
            plan, hide = self._difference_to(resource, urn, declared_part(before), completed)
        except MeshError:
            return completed, wrong  # the diff says it, at its own place
        with self._lock:
            self._checked[urn] = completed, plan
        told = changes(plan, hide) if plan else {}
        return {**completed, CHANGES: told} if told else completed, wrong

    def diff(self, token: str, urn: str, before: Properties, outputs: Properties, after: Properties) -> Difference:
        """What bringing about ``after`` would change in the cluster; by the inputs alone where that cannot be told."""
        resource, before, after = _resource(token), declared_part(before), declared_part(after)
        with self._lock:
            checked = self._checked.pop(urn, None)
            self._replacing.discard(urn)
        if checked is None and plain(before) == plain(after):  # a refresh: what it shows has just been read
            return resource.refreshed(before, plain(outputs), after)
        inputs, plan = checked or (None, None)
        if inputs != after:
            plan, _hide = self._difference_to(resource, urn, before, after)
        if plan is not None:
            return resource.difference(before, after, plan, outputs)
        difference = resource.declared_difference(before, after)
        if difference.replaces and difference.delete_first:
            with self._lock:
                self._replacing.add(urn)
        return difference

    def _difference_to(
        self, resource: Resource, urn: str, before: Properties, after: Properties
    ) -> tuple[Report | None, Hide]:
        """The plan of an update, what it leaves behind included; None where it cannot be told."""
        replaces = resource.replaced(before, after)
        if resource.goes_first(replaces):
            return None, _as_it_is  # the objects are the old resource's until that is gone
        plan, hide = self._planned(resource, urn, after, before)
        if plan is not None and not replaces and known(before):
            left = resource.left(before, after)
            if left is not None:
                plan.objects += self._run(resource, left, Mode("absent", check=True), urn)[0].objects
        return plan, hide

    def create(self, token: str, urn: str, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        """The id and the state."""
        resource, inputs = _resource(token), declared_part(inputs)
        if preview:
            plan = None if urn in self._replacing else self._planned(resource, urn, inputs)[0]
            return "", resource.previewed(inputs, plan)
        identifier = resource.id(inputs)
        return identifier, self._brought_about(resource, urn, identifier, inputs, claims.new())

    def update(
        self, token: str, urn: str, old: tuple[str, Properties, Properties], after: Properties, *, preview: bool
    ) -> Properties:
        """The state; ``old`` are id, inputs and state."""
        resource, (identifier, inputs, outputs) = _resource(token), old
        before, after = resource.covered(declared_part(inputs), outputs), declared_part(after)
        if preview:
            told = resource.previewed(after, self._planned(resource, urn, after, before, quiet=True)[0])
            return {**told, CLAIM: outputs.get(CLAIM) or UNKNOWN}
        claim = _claim(outputs) or claims.new()
        made = self._brought_about(resource, urn, identifier, after, claim)
        left = resource.left(before, after)
        if left is not None:
            self._remove(resource, urn, left, claim)
        return made

    def read(self, token: str, urn: str, old: tuple[str, Properties, Properties]) -> Found:
        """What is there, and how it differs from the inputs; without inputs (an import) from what the id tells."""
        resource, (identifier, inputs, outputs) = _resource(token), old
        inputs = declared_part(inputs)
        if not inputs:
            return self._imported(resource, urn, identifier)
        told = resource.completed(inputs)
        report, hide = self._run(resource, resource.declared(told), Mode(check=True), urn, told, quiet=True)
        if gone(report) and not self._recorded(resource, told):
            return Found("", {}, {})
        marked = {CLAIM: outputs[CLAIM]} if CLAIM in outputs else {}
        return Found(identifier, inputs, {**resource.outputs(inputs, report.result, found(report, hide)), **marked})

    def _imported(self, resource: Resource, urn: str, identifier: str) -> Found:
        """What another run of the same operation has left: by the id, and by the inventory that belongs to it."""
        inputs = resource.imported(identifier)
        spec = resource.declared(inputs).spec
        with self._at_work().connected() as cluster:
            own = claims.own_set(cluster, resource.operation, spec)
            there = existing(cluster, own)
            marked = {CLAIM: claims.mark_of(cluster, claims.anchors(own)) or claims.new()}
        if there is None:
            return Found("", {}, {})
        if there.version and "version" in resource.names:
            inputs["version"] = there.version
        inputs |= resource.recovered(spec, resource.operation.recovered(spec, there.members))
        told = resource.completed(inputs)
        try:
            report, hide = self._run(resource, resource.declared(told), Mode(check=True), urn, quiet=True)
        except MeshError:  # charts from elsewhere, say: what there is, is known all the same
            return Found(identifier, told, {**told, "inventory": {}, **marked})
        outputs = resource.outputs(told, report.result, found(report, hide))
        return Found(identifier, told, {**outputs, **marked})

    def delete(self, token: str, urn: str, old: tuple[str, Properties, Properties]) -> None:
        """Remove it, as far as it is this resource's still."""
        resource, (_identifier, inputs, outputs) = _resource(token), old
        inputs = resource.covered(declared_part(inputs), outputs)
        self._remove(resource, urn, resource.declared(inputs), _claim(outputs), inputs)

    def invoke(self, token: str, arguments: Properties) -> tuple[Properties, list[tuple[str, str]]]:
        """The answer of a function."""
        operation = functions().get(token)
        if operation is None:
            raise MeshError("invalid_option", "is no function of this provider", where=token)
        try:
            spec = parse(operation.spec, options(plain(arguments), operation.spec))
        except MeshError as error:
            return {}, [(property_path(error.where, operation.spec), reason(error))]
        report, _hide = self._at_work().run(operation, spec, RunOptions(), Mode(), lambda _line: None)
        return report.result, []

    def cancel(self) -> None:
        """End what runs."""
        if self._sessions:
            self._sessions.cancel()

    # -- runs -------------------------------------------------------------------------------------------------

    def _planned(
        self,
        resource: Resource,
        urn: str,
        inputs: Properties,
        before: Properties | None = None,
        *,
        quiet: bool = False,
    ) -> tuple[Report | None, Hide]:
        """The plan, and what takes secrets out of it; None where it cannot be made yet, which is said."""
        if self._sessions is None or not known(inputs):
            self._host.log(urn, "not all inputs are known yet; the preview goes by the state alone")
            return None, _as_it_is
        known_secrets = {"inputs": inputs, "before": before or {}}
        try:
            declared = resource.declared(inputs)
            return self._run(resource, declared, Mode(check=True), urn, known_secrets, quiet=quiet)
        except MeshError as error:
            if error.code not in _DEGRADING:
                raise
            self._host.log(urn, f"{error}; the preview goes by the state alone", WARNING)
            return None, _as_it_is

    def _brought_about(
        self, resource: Resource, urn: str, identifier: str, inputs: Properties, claim: str
    ) -> Properties:
        """The state. What is there bears this resource's mark from then on."""
        declared = resource.declared(inputs)
        try:
            report, hide = self._run(resource, declared, Mode(), urn, inputs)
        except MeshError as error:
            if not error.applied and error.code != "not_ready":
                raise
            inventory: Properties = {name: {} for name in error.applied}
            made = {**resource.outputs(inputs, {}, inventory), CLAIM: claim}
            raise InitFailed(identifier, inputs, made, error) from error
        made = {**resource.outputs(inputs, report.result, applied(report, hide)), CLAIM: claim}
        try:
            self._take(resource, urn, declared, claim)
        except MeshError as error:
            raise InitFailed(identifier, inputs, made, error) from error
        return made

    def _take(self, resource: Resource, urn: str, declared: Declared, claim: str) -> None:
        with self._at_work().connected() as cluster:
            places = claims.anchors(claims.own_set(cluster, resource.operation, declared.spec))
            try:
                held = claims.take(cluster, places, claim)
            except MeshError as error:
                if error.code != "forbidden":
                    raise
                text = f"{error}; when it is renamed in the program, the old resource's deletion will remove it"
                self._host.log(urn, text, WARNING)
                return
            if held:
                names = ", ".join(sorted(map(str, held)))
                text = f"{names}: was another resource's, and is this one's from now on; no other may declare it"
                self._host.log(urn, text)

    def _recorded(self, resource: Resource, inputs: Properties) -> bool:
        """Whether the cluster still has its inventory: then there is something to take away."""
        with self._at_work().connected() as cluster:
            own = claims.own_set(cluster, resource.operation, resource.declared(inputs).spec)
            return own.recorded and claims.any_there(cluster, claims.anchors(own))

    def _remove(
        self, resource: Resource, urn: str, declared: Declared, claim: str, inputs: Properties | None = None
    ) -> None:
        """By the rules of ``absent``; what another resource has brought about since is that one's."""
        with self._at_work().connected() as cluster:
            own = claims.own_set(cluster, resource.operation, declared.spec)
            held = claims.held_by_others(cluster, claims.anchors(own), claim)
        rest = resource.without(declared, held, whole=own.recorded)
        if held:
            names = ", ".join(sorted(map(str, held)))
            self._host.log(urn, f"{names}: another resource has brought it about since, and keeps it", WARNING)
        if rest is None:
            return
        self._run(resource, rest, Mode("absent"), urn, inputs)
        with self._at_work().connected() as cluster:
            claims.give_back(cluster, (place for place in claims.anchors(own) if place not in held), claim)

    def _run(
        self,
        resource: Resource,
        declared: Declared,
        mode: Mode,
        urn: str,
        inputs: Properties | None = None,
        *,
        quiet: bool = False,
    ) -> tuple[Report, Hide]:
        told: list[str] = []

        def tell(line: str) -> None:
            told.append(line)
            if not mode.check:
                self._host.log(urn, line, passing=True)

        report, hide = self._at_work().run(
            resource.operation, declared.spec, declared.options, mode, tell, secret_texts(inputs or {})
        )
        if not quiet:
            self._tell_plan(urn, told, report, mode)
        return report, hide

    def _tell_plan(self, urn: str, told: Iterable[str], report: Report, mode: Mode) -> None:
        """A preview shows the plan; warnings are shown always."""
        if mode.check and report.changed:
            # An `up` that was previewed checks once more, and then goes on.
            self._host.log(urn, "\n".join(told).replace("(check mode)", "(planned)"))
        for warning in report.warnings:
            self._host.log(urn, warning, WARNING)

    def _at_work(self) -> Sessions:
        if self._sessions is None:
            raise MeshError("cluster_config", "the provider's configuration is not known yet")
        return self._sessions


def _as_it_is(value: Any) -> Any:
    """Where nothing was planned there is nothing to hide."""
    return value


def _claim(outputs: Properties) -> str:
    """This resource's mark, as the state has it."""
    return str(plain(outputs.get(CLAIM)) or "")


def _resource(token: str) -> Resource:
    if token not in resources():
        raise MeshError("invalid_option", "is no resource of this provider", where=token)
    return resources()[token]
