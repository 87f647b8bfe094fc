# SPDX-License-Identifier: Apache-2.0
"""Which failures are worth another try, for how long, and after what pause: one table, and what counts the tries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .failures import ApiFailure, Unanswered

#: Seconds that one request may go on being repeated: an API server that restarts is away for a minute at most.
RETRY_BUDGET = 90.0
#: Seconds after which a server that never answered at all is called unreachable.
FIRST_CONTACT_BUDGET = 4.0
#: Seconds for a webhook that cannot be called; who knows that it is just starting tries longer.
WEBHOOK_BUDGET = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0

#: Parts of messages that no repetition mends, whatever the status.
_FINAL = (
    "denied the request",
    "field not declared in schema",
    "failed to create typed patch object",
    "unable to convert unstructured object",
    "request is too large",
    "database space exceeded",
)


@dataclass(frozen=True)
class Rule:
    """``budget`` seconds and ``tries`` tries in all; ``overload``: fewer requests at once from now on."""

    budget: float
    tries: int = 1000
    overload: bool = False


NEVER = Rule(0.0, 1)


def _final(error: ApiFailure) -> bool:
    return any(text in error.msg for text in _FINAL)


def _changed_meanwhile(error: ApiFailure) -> bool:
    # The server lost against other writers, or a quota was just being counted; conflicts of ownership are final.
    return error.status == 409 and error.reason in ("", "Conflict") and error.code == "conflict" and not error.guarded


#: (does it apply?, the rule); the first that applies.
_RULES: tuple[tuple[Callable[[ApiFailure], bool], Callable[[], Rule]], ...] = (
    (_final, lambda: NEVER),
    (lambda error: error.code == "webhook_unavailable", lambda: Rule(WEBHOOK_BUDGET)),
    (lambda error: error.status == 429, lambda: Rule(RETRY_BUDGET, overload=True)),
    (lambda error: error.status in (500, 502, 503, 504), lambda: Rule(RETRY_BUDGET)),
    (_changed_meanwhile, lambda: Rule(RETRY_BUDGET, tries=5)),
)


def rule_for(error: ApiFailure | Unanswered, *, answered: bool, repeatable: bool) -> Rule:
    """What the table says. ``answered``: the server spoke before; ``repeatable``: doing it twice does no harm."""
    if isinstance(error, Unanswered):
        if error.final or not repeatable:
            return NEVER
        return Rule(RETRY_BUDGET if answered else FIRST_CONTACT_BUDGET)
    if not repeatable and error.status != 429:  # a refused 429 was not processed; of anything else nobody knows
        return NEVER
    return next((rule() for applies, rule in _RULES if applies(error)), NEVER)


@dataclass
class Attempts:
    """The tries of one request."""

    started: float = field(default_factory=time.monotonic)
    made: int = 0
    pause: float = _FIRST_PAUSE

    def pause_before_next(self, rule: Rule, retry_after: float) -> float | None:
        """Seconds to wait before the next try, or None when there should be none."""
        self.made += 1
        pause = max(retry_after, self.pause)
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        over = time.monotonic() - self.started + pause > rule.budget
        return None if over or self.made >= rule.tries else pause * random.uniform(1.0, 1.25)
