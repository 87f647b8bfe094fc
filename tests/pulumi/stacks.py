# SPDX-License-Identifier: Apache-2.0
"""Stacks of inline programs: the real engine with a file backend, and the provider from this checkout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation
from pulumi.automation import OpType

from lab.engine import workspace


@dataclass(frozen=True)
class Outcome:
    """What a command did: the operations by resource type's last word, its output, the stack's outputs."""

    steps: Counter[tuple[str, str]]
    text: str
    outputs: dict[str, Any]

    def of(self, kind: str) -> dict[str, int]:
        """Operations on one type: ``{"create": 1}``."""
        return {op: number for (type_, op), number in self.steps.items() if type_ == kind}

    @property
    def changed(self) -> bool:
        """Whether anything was created, updated, replaced or deleted."""
        return any(op not in ("same", "read", "refresh") for _type, op in self.steps)


class Stack:
    """One stack; its program may be another one at each command."""

    def __init__(self, name: str, engine: Path, config: Mapping[str, str] | None = None) -> None:
        self.name, self._engine, self._config = name, engine, config or {}

    def run(self, command: str, program: Callable[[], None], **options: Any) -> Outcome:
        """``preview``, ``up``, ``refresh`` or ``destroy``; raises automation.CommandError."""
        stack = automation.create_or_select_stack(self.name, "tests", program, opts=workspace(self._engine))
        if self._config:
            stack.set_all_config({name: automation.ConfigValue(value) for name, value in self._config.items()})
        lines: list[str] = []
        steps: Counter[tuple[str, str]] = Counter()

        def note(event: Any) -> None:
            happened = event.resource_pre_event
            if happened:
                steps[happened.metadata.type.rpartition(":")[2], _name(happened.metadata.op)] += 1

        shown = {} if command == "destroy" else {"diff": True}
        told = {"on_output": lines.append, "on_error": lines.append, "on_event": note, "color": "never"}
        result = getattr(stack, command)(**told, **shown, **options)
        outputs = {key: value.value for key, value in (getattr(result, "outputs", None) or {}).items()}
        return Outcome(steps, "\n".join(line.rstrip("\n") for line in lines), outputs)

    def export(self) -> str:
        """The state, as it is kept."""
        return str(self._selected().export_stack().deployment)

    def unlock(self) -> None:
        """After an engine that was killed."""
        self._selected().cancel()

    def remove(self) -> None:
        """Forget it."""
        self._selected().workspace.remove_stack(self.name, force=True)

    def _selected(self) -> automation.Stack:
        return automation.select_stack(self.name, "tests", lambda: None, opts=workspace(self._engine))


def _name(operation: OpType | str) -> str:
    return str(getattr(operation, "value", operation))
