# SPDX-License-Identifier: Apache-2.0
"""Resources that are an answer: asked for once and kept, so that what is built of it does not change by itself."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from .._core.model.errors import MeshError
from .._core.model.operation import Query
from .._core.model.options import Mode, RunOptions
from .._core.model.spec import Field, fields, parse, problems
from .._core.operations.registry import OPERATIONS
from .differences import Difference, compared, marked
from .found import Found
from .host import WARNING, Host
from .naming import camel, options, pascal, property_path
from .properties import UNKNOWN, Properties, Secret, known, plain
from .renewal import Renewal
from .resources import reason
from .sessions import Sessions

#: What is issued, and so kept while the rest is asked anew: the key of a file, and the result that tells its end.
_TOKEN, _EXPIRES = "istio-token", "tokenExpires"
_FILES, _ISSUE = "files", "issueToken"
#: The input by which an answer holds user data, and the token in it.
_PACKAGE = "package"


@functools.cache
def operations(package: str) -> dict[str, Query[Any]]:
    """The operations whose answer is kept, by the token of their type."""
    found = (item for item in OPERATIONS.values() if isinstance(item, Query) and item.kept)
    return {f"{package}:index:{pascal(item.name)}": item for item in found}


class Kept:
    """The life of such a resource; the calls are those of the wire contract, as for the others."""

    def __init__(self, operation: Query[Any], host: Host, at_work: Callable[[], Sessions]) -> None:
        self._operation, self._host, self._at_work = operation, host, at_work
        self._fields: dict[str, Field] = {camel(f.name): f for f in (*fields(operation.spec), *fields(Renewal))}
        self._results = {camel(f.name): f for f in fields(operation.returns)}

    def check(
        self, _token: str, _urn: str, _before: Properties, inputs: Properties
    ) -> tuple[Properties, list[tuple[str, str]]]:
        """The inputs with defaults, and what is wrong with them."""
        plain_defaults = {
            name: field.default
            for name, field in self._fields.items()
            if not field.required and isinstance(field.default, (bool, int, str))
        }
        given = {name: value for name, value in inputs.items() if value is not None}
        return {**plain_defaults, **given}, list(self._problems(inputs))

    def _problems(self, inputs: Properties) -> Iterator[tuple[str, str]]:
        for spec, data in self._split(inputs):
            unknown = [key for key in data if not known(data[key])]
            settled = {key: plain(value) for key, value in data.items() if known(value)}
            for error in problems(spec, settled, unknown=unknown):
                yield property_path(error.where, spec), reason(error)

    def _split(self, inputs: Properties) -> Iterator[tuple[Any, Properties]]:
        """What is the spec's (unknown names among it), and when to ask anew."""
        own = {camel(field.name) for field in fields(Renewal)}
        spec = self._operation.spec
        yield spec, options({key: value for key, value in inputs.items() if key not in own}, spec)
        yield Renewal, options({key: value for key, value in inputs.items() if key in own}, Renewal)

    def diff(self, _token: str, _urn: str, before: Properties, outputs: Properties, after: Properties) -> Difference:
        """By the inputs alone: what is kept does not change because the cluster does."""
        old, new = ({key: value for key, value in side.items() if key in self._fields} for side in (before, after))
        paths = {**dict(compared(old, new)), **dict(marked(old, new))}
        return Difference(paths, frozenset(paths))

    def create(self, _token: str, urn: str, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        """The id and the state."""
        if preview:
            return "", self._previewed(inputs)
        answer = self._asked(urn, inputs)
        told = plain(inputs)
        return f"{told['namespace']}/{told['group']}/{secrets.token_hex(4)}", self._state(inputs, answer)

    def update(
        self, _token: str, urn: str, old: tuple[str, Properties, Properties], after: Properties, *, preview: bool
    ) -> Properties:
        """The state; the token stays unless it is to be renewed, or a machine is to boot with it."""
        if preview:
            return self._previewed(after)
        _identifier, before, outputs = old
        kept = (plain(outputs.get(_FILES)) or {}).get(_TOKEN)
        # What a new machine boots with changes with anything of it: whoever boots with it needs a token that is good.
        boots = plain(after.get(_PACKAGE))
        if not kept or boots or plain(before.get("renew")) != plain(after.get("renew")):
            return self._state(after, self._asked(urn, after))
        answer = self._asked(urn, {**after, _ISSUE: False})
        answer[_FILES] = {**answer[_FILES], _TOKEN: kept}
        return {**self._state(after, answer), _EXPIRES: outputs.get(_EXPIRES, "")}

    def read(self, token: str, _urn: str, old: tuple[str, Properties, Properties]) -> Found:
        """As it was kept."""
        identifier, inputs, outputs = old
        if not inputs:
            text, hint = "cannot be imported", "declare it: a token is issued for it"
            raise MeshError("invalid_option", text, where=token, hint=hint)
        return Found(identifier, inputs, outputs)

    def delete(self, _token: str, _urn: str, _old: tuple[str, Properties, Properties]) -> None:
        """Nothing is in the cluster; the token expires by itself."""

    def _asked(self, urn: str, inputs: Properties) -> dict[str, Any]:
        spec = parse(self._operation.spec, dict(self._split(plain(inputs)))[self._operation.spec])
        report, _hide = self._at_work().run(self._operation, spec, RunOptions(), Mode(), lambda _line: None)
        for warning in (*report.warnings, *report.result.get("notes", ())):
            self._host.log(urn, warning, WARNING)
        return report.result

    def _state(self, inputs: Properties, answer: dict[str, Any]) -> Properties:
        told = {name: answer[field.name] for name, field in self._results.items() if field.name in answer}
        hidden = {
            name: Secret(told[name]) for name, field in self._results.items() if field.option.secret and name in told
        }
        return {**inputs, **told, **hidden}

    def _previewed(self, inputs: Properties) -> Properties:
        return {**dict.fromkeys(self._results, UNKNOWN), **inputs}
