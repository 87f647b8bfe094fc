# SPDX-License-Identifier: Apache-2.0
"""What a resource is: a declarative operation whose properties are its spec's options. Knows nothing of the wire."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._core.model.errors import MeshError
from .._core.model.objects import Ref
from .._core.model.operation import Declarative
from .._core.model.options import RunOptions
from .._core.model.report import Report
from .._core.model.secrets import Secrets
from .._core.model.spec import Field, fields, parse, problems
from .differences import Difference, Kind, compared, marked
from .inventory import LEAVING, drift_paths, object_name, planned_paths
from .naming import camel, options, properties, property_path
from .properties import UNKNOWN, Properties, known, plain, secret_places, secret_texts
from .protection import protected

#: Properties whose change makes a successor with the same objects: the old one goes first. A control plane in another
#: namespace shares what is there once per cluster, a network service its name.
_SHARED = {
    "config_set": frozenset({"name", "namespace"}),
    "control_plane": frozenset({"namespace"}),
    "network_service": frozenset({"namespace"}),
}


#: The state tells by which mark the thing is this resource's.
CLAIM = "claim"


@dataclass(frozen=True)
class Declared:
    """A resource's inputs as the core takes them."""

    spec: Any
    options: RunOptions


class Resource:
    """One type of resource."""

    def __init__(self, operation: Declarative[Any, Any]) -> None:
        self.operation = operation
        self._fields: dict[str, Field] = {camel(f.name): f for f in (*fields(operation.spec), *fields(RunOptions))}
        self._identity = [field.name for field in fields(operation.spec) if field.option.replaces]

    @property
    def names(self) -> frozenset[str]:
        """Its input properties."""
        return frozenset(self._fields)

    # -- inputs -----------------------------------------------------------------------------------------------

    def problems(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        """``(property path, what is wrong)`` for everything that can be told without a cluster."""
        for name in map(camel, self._identity or ["namespaces"]):
            if any(True for _place in secret_places(inputs.get(name))):
                yield name, "cannot be secret: it is the resource's id"
        secrets = Secrets()
        secrets.learn(secret_texts(inputs))
        for spec, data in self._split(inputs):
            for error in problems(spec, _known_part(data), unknown=[key for key in data if not known(data[key])]):
                yield property_path(error.where, spec), secrets.hide_strictly(reason(error))

    def completed(self, inputs: Properties) -> Properties:
        """The inputs with the defaults of plain options; what Secrets hold is marked secret, whoever forgot it."""
        defaults = {name: f.default for name, f in self._fields.items() if not f.required and _is_plain(f.default)}
        given = {name: protected(value) for name, value in inputs.items() if value is not None}
        return {**{name: value for name, value in defaults.items() if value is not None}, **given}

    def declared(self, inputs: Properties) -> Declared:
        """Raises MeshError ``invalid_option``. A state may stand in for inputs: what it tells beyond is left out."""
        given = {name: value for name, value in plain(inputs).items() if name in self._fields}
        spec, run_options = (parse(spec, data) for spec, data in self._split(given))
        return Declared(spec, run_options)

    def _split(self, inputs: Properties) -> Iterator[tuple[Any, Properties]]:
        """What is the spec's (unknown names among it) and what says how to run."""
        run_names = {camel(field.name) for field in fields(RunOptions)}
        yield self.operation.spec, options({k: v for k, v in inputs.items() if k not in run_names}, self.operation.spec)
        yield RunOptions, options({k: v for k, v in inputs.items() if k in run_names}, RunOptions)

    # -- identity ---------------------------------------------------------------------------------------------

    def id(self, inputs: Properties) -> str:
        """``istio-system/default``: what tells it from others of its type, as `pulumi import` takes it, too."""
        spec = self.declared(inputs).spec
        names = [str(getattr(spec, name)) for name in sorted(self._identity, key=_namespace_first)]
        return "/".join(names) if names else ",".join(spec.namespaces)

    def imported(self, identifier: str) -> Properties:
        """The inputs that an id tells. Raises MeshError."""
        names = sorted(self._identity, key=_namespace_first)
        if not names:
            return {"namespaces": identifier.split(",")}
        parts = identifier.split("/")
        if len(parts) != len(names):
            shape = "/".join(f"<{camel(name)}>" for name in names)
            raise MeshError("invalid_option", f"is no id of a {self.operation.name}", where=identifier, hint=shape)
        return dict(zip(map(camel, names), parts, strict=True))

    def recovered(self, spec: Any, told: Any) -> Properties:
        """The inputs that what is there tells beyond an id."""
        names = [field.name for field in fields(self.operation.spec)]
        found = {name: getattr(told, name) for name in names if getattr(told, name) != getattr(spec, name)}
        return {camel(name): properties(value) for name, value in found.items()}

    # -- differences ------------------------------------------------------------------------------------------

    def replaced(self, before: Properties, after: Properties) -> tuple[str, ...]:
        """Properties whose change means another thing."""
        old, new = self.completed(before), self.completed(after)
        names = map(camel, self._identity)
        return tuple(name for name in names if plain(old.get(name)) != plain(new.get(name)))

    def declared_difference(self, before: Properties, after: Properties) -> Difference:
        """By the inputs alone: for configuration that is not known yet, and clusters that do not answer."""
        old, new = self.completed(before), self.completed(after)
        paths = dict(compared(old, new))
        replaces = self.replaced(before, after)
        return Difference(paths, frozenset(paths), replaces, self.goes_first(replaces))

    def difference(
        self, before: Properties, after: Properties, report: Report, outputs: Properties | None = None
    ) -> Difference:
        """By the plan; inputs that differ are named along with what they change, and those that are secret only now:
        the state must follow."""
        replaces = self.replaced(before, after)
        paths: dict[str, Kind] = dict(planned_paths(report))
        old, new = self.completed(before), self.completed(after)
        inputs = dict(compared(old, new)) if paths or replaces else dict(marked(outputs or before, new))
        return Difference({**inputs, **paths}, frozenset(inputs), replaces, self.goes_first(replaces))

    def refreshed(self, before: Properties, outputs: Properties, after: Properties) -> Difference:
        """By what a read has found. The engine shows it the other way round: from declared to found."""
        return Difference({**self.declared_difference(before, after).paths, **dict(drift_paths(outputs))})

    def goes_first(self, replaces: Iterable[str]) -> bool:
        """Whether a replacement begins with the deletion: where both would hold the same objects."""
        return bool(_SHARED.get(self.operation.name, frozenset()).intersection(replaces))

    def left(self, before: Properties, after: Properties) -> Declared | None:
        """What of the earlier declaration the later one no longer covers, and nobody else would take away."""
        old, new = self.declared(before), self.declared(after)
        spec = self.operation.left(old.spec, new.spec)
        return None if spec is None else Declared(spec, old.options)

    def without(self, declared: Declared, held: Collection[Ref], *, whole: bool) -> Declared | None:
        """What of it is left when others hold some of its objects: a ``whole`` set is theirs altogether."""
        if not held or whole:
            return None if held else declared
        names = {place.name for place in held}
        rest = [name for name in declared.spec.namespaces if name not in names]
        return replace(declared, spec=replace(declared.spec, namespaces=rest)) if rest else None

    def covered(self, inputs: Properties, outputs: Properties) -> Properties:
        """Inputs of all that may be there: after a failed update the engine keeps the old inputs beside a new state."""
        if self._identity:
            return inputs
        named = [*(plain(inputs.get("namespaces")) or ()), *(plain(outputs.get("namespaces")) or ())]
        return {**inputs, "namespaces": list(dict.fromkeys(named))}

    # -- outputs ----------------------------------------------------------------------------------------------

    def outputs(self, inputs: Properties, result: Mapping[str, Any], inventory: Properties) -> Properties:
        """The state: inputs, what the operation tells, and one entry per object."""
        results = {camel(name): result[name] for name in self._results() if name in result}
        return {**inputs, **results, "inventory": inventory}

    def previewed(self, inputs: Properties, report: Report | None) -> Properties:
        """The state as far as a preview can tell."""
        unknown = dict.fromkeys((*map(camel, self._results()), CLAIM), UNKNOWN)
        told = [] if report is None else [change for change in report.objects if change.action not in LEAVING]
        inventory = UNKNOWN if report is None else {object_name(change): UNKNOWN for change in told}
        return {**unknown, **inputs, "inventory": inventory}

    def _results(self) -> list[str]:
        return [field.name for field in fields(self.operation.returns)]


def _known_part(data: Properties) -> Properties:
    return {key: plain(value) for key, value in data.items() if known(value)}


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int, str))


def reason(error: MeshError) -> str:
    return f"{error.msg} ({error.hint})" if error.hint else error.msg


def _namespace_first(name: str) -> tuple[bool, str]:
    return name != "namespace", name
