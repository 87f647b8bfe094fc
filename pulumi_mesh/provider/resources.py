# SPDX-License-Identifier: Apache-2.0
"""What a resource is: a declarative operation whose properties are its spec's options. Knows nothing of the wire."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from .._core.model.errors import MeshError
from .._core.model.objects import Object, Ref
from .._core.model.operation import Declarative
from .._core.model.options import RunOptions
from .._core.model.report import FieldChange, ObjectChange, Report
from .._core.model.secrets import REDACTED, Secrets
from .._core.model.spec import Field, fields, parse, problems
from .naming import camel, options, property_path
from .properties import UNKNOWN, Secret, known, plain, secret_texts

Properties = dict[str, Any]
Kind = Literal["add", "delete", "update"]

#: Properties whose change makes a successor with the same objects: the old one goes first. A control plane in another
#: namespace shares what is there once per cluster.
_SHARED = {"config_set": frozenset({"name", "namespace"}), "control_plane": frozenset({"namespace"})}


@dataclass(frozen=True)
class Difference:
    """What a diff found: property paths with their kind, and the properties that need another resource."""

    paths: Mapping[str, Kind]
    inputs: frozenset[str] = frozenset()
    """The paths that are to be looked up among inputs."""
    replaces: tuple[str, ...] = ()
    delete_first: bool = False

    @property
    def some(self) -> bool:
        """Whether there is any."""
        return bool(self.paths)


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
        secrets = Secrets()
        secrets.learn(secret_texts(inputs))
        for spec, data in self._split(inputs):
            for error in problems(spec, _known_part(data), unknown=[key for key in data if not known(data[key])]):
                yield property_path(error.where, spec), secrets.hide_strictly(reason(error))

    def completed(self, inputs: Properties) -> Properties:
        """The inputs with the defaults of plain options; what Secrets hold is marked secret, whoever forgot it."""
        defaults = {name: f.default for name, f in self._fields.items() if not f.required and _is_plain(f.default)}
        given = {name: _protected(value) for name, value in inputs.items() if value is not None}
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
        return {camel(name): getattr(told, name) for name in names if getattr(told, name) != getattr(spec, name)}

    # -- differences ------------------------------------------------------------------------------------------

    def replaced(self, before: Properties, after: Properties) -> tuple[str, ...]:
        """Properties whose change means another thing."""
        old, new = self.completed(before), self.completed(after)
        names = map(camel, self._identity)
        return tuple(name for name in names if plain(old.get(name)) != plain(new.get(name)))

    def declared_difference(self, before: Properties, after: Properties) -> Difference:
        """By the inputs alone: for configuration that is not known yet, and clusters that do not answer."""
        old, new = self.completed(before), self.completed(after)
        paths = dict(_compared(old, new))
        replaces = self.replaced(before, after)
        return Difference(paths, frozenset(paths), replaces, self.goes_first(replaces))

    def difference(
        self, before: Properties, after: Properties, report: Report, outputs: Properties | None = None
    ) -> Difference:
        """By the plan; inputs that differ are named along with what they change, and those that are secret only now:
        the state must follow."""
        replaces = self.replaced(before, after)
        paths: dict[str, Kind] = dict(_planned(report))
        old, new = self.completed(before), self.completed(after)
        inputs = dict(_compared(old, new)) if paths or replaces else dict(_marked(outputs or before, new))
        return Difference({**inputs, **paths}, frozenset(inputs), replaces, self.goes_first(replaces))

    def refreshed(self, before: Properties, outputs: Properties, after: Properties) -> Difference:
        """By what a read has found. The engine shows it the other way round: from declared to found."""
        return Difference({**self.declared_difference(before, after).paths, **dict(_found_paths(outputs))})

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
        told = [] if report is None else [change for change in report.objects if change.action not in _LEAVING]
        inventory = UNKNOWN if report is None else {object_name(change): UNKNOWN for change in told}
        return {**unknown, **inputs, "inventory": inventory}

    def _results(self) -> list[str]:
        return [field.name for field in fields(self.operation.returns)]


#: A check puts the plan among the inputs under this name: a diff can show only what stands in inputs.
CHANGES = "changes"
#: The state tells by which mark the thing is this resource's.
CLAIM = "claim"
#: Actions after which an object is not the resource's any more, and those that change nothing.
_LEAVING, _STAYING = ("delete", "release"), ("unchanged", "keep")
#: Characters of a value in a plan.
_LONGEST = 120


def applied(report: Report, hide: Callable[[Any], Any]) -> Properties:
    """Objects after a run: ``Deployment istio-system/istiod`` -> ``{digest}``."""
    return {object_name(c): {"digest": digest(c.wanted, hide)} for c in report.objects if c.action not in _LEAVING}


def found(report: Report, hide: Callable[[Any], Any]) -> Properties:
    """Objects as a run without writes found them: what differs from the declaration stands beside the digest."""
    return {object_name(change): _found(change, hide) for change in report.objects}


def _found(change: ObjectChange, hide: Callable[[Any], Any]) -> Properties:
    match change.action:
        case "create":
            return {"missing": True}
        case "delete" | "release":
            return {"unwanted": True}
        case "update" | "recreate" | "adopt":
            return {"digest": digest(change.wanted, hide), "drift": {i.path: _drifted(i, hide) for i in change.fields}}
    return {"digest": digest(change.wanted, hide)}


def _found_paths(outputs: Properties) -> Iterator[tuple[str, Kind]]:
    """Where the state says how the cluster differs."""
    for name, told in (outputs.get("inventory") or {}).items():
        place = f"inventory{_quoted(name)}"
        yield from ((f"{place}.drift{_quoted(field)}", "delete") for field in told.get("drift", ()))
        yield from ((f"{place}.{mark}", "delete") for mark in ("missing", "unwanted") if mark in told)


def _drifted(item: FieldChange, hide: Callable[[Any], Any]) -> Any:
    """What is there instead; nothing of it where a secret should be."""
    wanted = json.dumps(hide(item.after), default=str)
    return REDACTED if REDACTED in wanted else hide(item.before)


def gone(report: Report) -> bool:
    """Whether nothing is there of what should be."""
    return bool(report.objects) and all(change.action == "create" for change in report.objects)


def object_name(change: ObjectChange) -> str:
    """``Deployment istio-system/istiod``: the key of an object in the state."""
    return str(change.ref)


def digest(obj: Object | None, hide: Callable[[Any], Any]) -> str:
    """Of what is sent, secrets left out: two that are equal mean that nothing has changed that may be known."""
    if obj is None:
        return ""
    left_out = ("data", "stringData") if obj.get("kind") == "Secret" else ()
    kept = hide({key: value for key, value in obj.items() if key not in left_out})
    text = json.dumps(kept, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def changes(report: Report, hide: Callable[[Any], Any]) -> Properties:
    """A plan as a property: ``Deployment istio-system/istiod`` -> what becomes of it, or its fields as they change."""
    return {object_name(change): _told(change, hide) for change in report.objects if change.action not in _STAYING}


def _told(change: ObjectChange, hide: Callable[[Any], Any]) -> Properties | str:
    if change.action in ("update", "recreate", "adopt") and change.fields:
        return {item.path: _both(item, hide) for item in change.fields}
    return change.action


def _both(item: FieldChange, hide: Callable[[Any], Any]) -> str:
    """``1 => 2``; long values are cut. Where one side is secret, so is the other, whoever wrote it."""
    pair = hide([item.before, item.after])
    sides = [value if isinstance(value, str) else json.dumps(value, default=str) for value in pair]
    if any(REDACTED in side for side in sides):
        return REDACTED
    return " => ".join(side if len(side) <= _LONGEST else f"{side[:_LONGEST]}..." for side in sides)


def _planned(report: Report) -> Iterator[tuple[str, Kind]]:
    for name, told in changes(report, lambda value: value).items():
        place = f"{CHANGES}{_quoted(name)}"
        if isinstance(told, dict):
            yield from ((f"{place}{_quoted(field)}", "add") for field in told)
        else:
            yield place, "add"


#: Keys under which a Secret holds what nobody is to see.
_HIDDEN = ("data", "stringData")
_COPY = "kubectl.kubernetes.io/last-applied-configuration"


def _protected(value: Any) -> Any:
    """With the contents of Secrets among objects marked, those in lists of objects, too."""
    if not isinstance(value, list):
        return value
    return [_protected_object(item) if isinstance(item, dict) else item for item in value]


def _protected_object(obj: Properties) -> Properties:
    kind = obj.get("kind")
    if kind is UNKNOWN or plain(kind) == "Secret":
        marked = {key: _marked_secret(part) if key in _HIDDEN else part for key, part in obj.items()}
        return {**marked, "metadata": _without_copy(obj["metadata"])} if "metadata" in obj else marked
    return {**obj, "items": _protected(obj["items"])} if "items" in obj and "kind" in obj else obj


def _without_copy(metadata: Any) -> Any:
    """`kubectl apply` keeps a copy of what it applied among the annotations."""
    marks = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(marks, dict) or _COPY not in marks:
        return metadata
    return {**metadata, "annotations": {**marks, _COPY: _marked_secret(marks[_COPY])}}


def _marked_secret(part: Any) -> Any:
    return part if isinstance(part, Secret) or part is UNKNOWN else Secret(part)


def declared_part(inputs: Properties) -> Properties:
    """Inputs without the plan that a check put among them."""
    return {key: value for key, value in inputs.items() if key != CHANGES}


def _kind(before: Any, after: Any) -> Kind:
    return "add" if before is None else "delete" if after is None else "update"


def _compared(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Kind]]:
    """Property paths at which two maps differ, as deep as both are maps."""
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        place = _inside(path, key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _compared(old, new, place)
        elif plain(old) != plain(new):
            yield place, _kind(old, new)


def _inside(path: str, key: str) -> str:
    if not key.replace("_", "a").isalnum():
        return f"{path}{_quoted(key)}"
    return f"{path}.{key}" if path else key


def _quoted(key: str) -> str:
    """As the engine reads property paths, which know no escape but that of a quotation mark."""
    mark = chr(34)
    return f"[{mark}{key.replace(mark, chr(92) + mark)}{mark}]"


def _marked(before: Any, after: Any) -> Iterator[tuple[str, Kind]]:
    """Properties that are secret now and were not, or the reverse: the state must follow."""
    for key in sorted({*before} & {*after}):
        if any(secret_texts(before[key])) != any(secret_texts(after[key])):
            yield key, "update"


def _known_part(data: Properties) -> Properties:
    return {key: plain(value) for key, value in data.items() if known(value)}


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int, str))


def reason(error: MeshError) -> str:
    return f"{error.msg} ({error.hint})" if error.hint else error.msg


def _namespace_first(name: str) -> tuple[bool, str]:
    return name != "namespace", name
