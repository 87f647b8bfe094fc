# SPDX-License-Identifier: Apache-2.0
"""What a run tells: the same shape in check mode and after a real run, in both fronts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .objects import Object, Ref
from .secrets import Secrets

Action = Literal["create", "adopt", "update", "recreate", "delete", "release", "unchanged", "keep", "restart"]

#: Actions that end in an object being applied.
APPLIED: tuple[Action, ...] = ("create", "adopt", "update", "recreate")

#: Receives one line of progress at a time.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class FieldChange:
    """One field that differs: ``path`` such as ``spec.replicas``; values are redacted where secret."""

    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class ObjectChange:
    """What happens to one object, and which of its fields would change."""

    ref: Ref
    action: Action
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""
    #: What was, or would be, sent; for who wants to look closer. Not redacted.
    wanted: Object | None = field(default=None, repr=False, compare=False)

    def without(self, secrets: Secrets) -> ObjectChange:
        """The same change with secrets taken out of what differs."""
        if not self.fields and not self.reason:
            return self
        values = secrets.hidden([[item.before, item.after] for item in self.fields])
        fields = tuple(FieldChange(item.path, *pair) for item, pair in zip(self.fields, values, strict=True))
        return replace(self, fields=fields, reason=secrets.hide(self.reason))

    def as_dict(self) -> dict[str, Any]:
        """``{kind, namespace, name, action, fields}``; ``fields`` are paths."""
        return {
            "kind": self.ref.kind,
            "namespace": self.ref.namespace,
            "name": self.ref.name,
            "action": self.action,
            "fields": [change.path for change in self.fields],
            **({"reason": self.reason} if self.reason else {}),
        }


@dataclass
class Report:
    """The result of an operation. ``result`` holds what is the operation's own (addresses, revisions, ...)."""

    changed: bool = False
    objects: list[ObjectChange] = field(default_factory=list)
    #: Workloads of others whose pods are made anew; they are no part of any set.
    restarts: list[ObjectChange] = field(default_factory=list)
    ready: bool = True
    warnings: list[str] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)

    def counts(self) -> Counter[str]:
        """How many objects per action."""
        return Counter(change.action for change in self.objects)

    def without(self, secrets: Secrets) -> Report:
        """The same report with secrets taken out of every text."""
        self.objects = [change.without(secrets) for change in self.objects]
        self.restarts = [change.without(secrets) for change in self.restarts]
        self.warnings, self.result = secrets.hidden(self.warnings), secrets.hidden(self.result)
        return self

    def as_dict(self) -> dict[str, Any]:
        """Plain data for both fronts; unchanged objects are counted, not listed."""
        touched = [change.as_dict() for change in (*self.objects, *self.restarts) if change.action != "unchanged"]
        return {
            "changed": self.changed,
            "objects": touched,
            "unchanged": self.counts()["unchanged"],
            "ready": self.ready,
            **self.result,
        }
