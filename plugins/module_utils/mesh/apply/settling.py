# SPDX-License-Identifier: Apache-2.0
"""What the API server says of changes that cannot be judged without it."""

from __future__ import annotations

from dataclasses import replace

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.objects import Object
from ..model.options import RunOptions
from ..plan.changes import Change, recreated, settled
from .adoption import foreseen
from .recreation import try_out


def settle(cluster: Cluster, changes: list[Change], options: RunOptions) -> list[Change]:
    """Ask the API server what each update comes to: exact fields, and no update where nothing would move."""

    def asked(change: Change) -> Change:
        if change.action not in ("update", "adopt"):
            return change
        try:
            after = cluster.apply(change.sent, change.set.manager, force=forced(change, options), dry_run=True)
        except ApiFailure as error:
            anew = recreated(change, error.immutable) if options.recreate and error.immutable else None
            if anew is None:
                raise error.at(f"set {change.set.id}") from None
            try_out(cluster, anew)
            return anew
        return settled(*foreseen(cluster, _in_version(cluster, change, after), after))

    return list(cluster.map(asked, changes))


def _in_version(cluster: Cluster, change: Change, after: Object) -> Change:
    """With what is there in the version in which the API server answered: lists come in the preferred one."""
    if change.found["apiVersion"] == after["apiVersion"]:
        return change
    key = change.ref
    return replace(change, live=cluster.get(after["apiVersion"], key.kind, key.namespace, key.name) or change.live)


def forced(change: Change, options: RunOptions) -> bool:
    """Whether conflicts are overruled: on our own members and on what is adopted, else only when asked for."""
    return options.force or (change.member and (change.foreign is None or options.adopt))
