# SPDX-License-Identifier: Apache-2.0
"""A plan with what it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..model.objects import Object, ObjectSet, Ref, ref
from ..plan.changes import Plan
from .live import Live


@dataclass
class Planned:
    """A plan with what it was made from."""

    sets: Sequence[ObjectSet]
    live: Live
    plan: Plan
    warnings: list[str] = field(default_factory=list)
    #: Namespaces that are not there and that this run does not bring; only check mode goes on without them.
    missing: frozenset[str] = frozenset()

    @property
    def written(self) -> list[Ref]:
        """What is written when the plan is carried out."""
        return [change.ref for change in self.plan.changes if change.action not in ("unchanged", "keep")]


def last_seen(planned: Planned, applied: Mapping[Ref, Object]) -> dict[Ref, Object]:
    """The newest known state of everything wanted."""
    wanted = {ref(obj) for item in planned.sets for obj in (*item.objects, *item.fields)}
    newest = {**planned.live.objects, **applied}
    return {key: newest[key] for key in wanted if key in newest}
