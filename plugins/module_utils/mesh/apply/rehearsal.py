# SPDX-License-Identifier: Apache-2.0
"""Running an operation to see what it asks of a cluster, which is only imagined."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..model.objects import Object
from ..model.operation import AnyOperation, Declarative, Finding, Prober, Proof, Reader, Restart

#: Seconds until a rehearsal ends that waits for something which will not come.
LONGEST = 10


def heedless(operation: AnyOperation) -> AnyOperation:
    """The operation with nothing that stops its run: it looks at all that it would look at, refuses nothing, and takes
    every first probe for a proof."""
    if not isinstance(operation, Declarative):
        return operation

    def preflight(spec: Any, facts: Any, state: Any) -> list[Finding]:
        list(operation.preflight(spec, facts, state))
        return []

    def proofs(spec: Any, facts: Any) -> list[Proof]:
        return [replace(proof, probe=_once(proof)) for proof in operation.proofs(spec, facts)]

    def restarts(cluster: Prober, spec: Any, facts: Any, settled: bool) -> list[Restart]:
        operation.restarts(cluster, spec, facts, settled)
        return []

    made, lingering = _fruitless(operation.made), _fruitless(operation.lingering)
    return replace(operation, preflight=preflight, proofs=proofs, restarts=restarts, made=made, lingering=lingering)


def _fruitless(look: Callable[[Reader, Any], Iterable[Object]]) -> Callable[[Reader, Any], list[Object]]:
    """No controller is at work on an imagined cluster: nobody waits for what it would do."""

    def looked(cluster: Reader, spec: Any) -> list[Object]:
        list(look(cluster, spec))
        return []

    return looked


def _once(proof: Proof) -> Any:
    def probe(cluster: Prober) -> None:
        proof.probe(cluster)

    return probe
