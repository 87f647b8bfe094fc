# SPDX-License-Identifier: Apache-2.0
"""One error type for every failure that a user can meet, with a stable code."""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: Stable error codes, the same in both fronts; docs/errors.md is generated from this table.
CODES: dict[str, str] = {
    "invalid_option": "an option is unknown, missing, of the wrong type or has a value that cannot work",
    "invalid_object": "a Kubernetes object in the declaration is malformed or refused by the API server",
    "chart_unavailable": "the chart cannot be found, fetched or read",
    "chart_digest": "the chart is there, but its digest is not the one that was asked for",
    "bundle_unavailable": "published manifests cannot be found, fetched or read",
    "bundle_checksum": "published manifests are there, but their checksum is not the one that was asked for",
    "render_failed": "helm or the chart refuses the values",
    "helm_missing": "no usable helm program was found",
    "cluster_unreachable": "the API server does not answer",
    "cluster_config": "the kubeconfig or the connection options cannot be used",
    "unauthorized": "the API server does not accept the credentials",
    "forbidden": "the credentials lack a permission",
    "unsupported": "the cluster's Kubernetes or an installed API is outside what this version supports",
    "foreign_owner": "an object of that name exists and belongs to somebody else",
    "field_conflict": "another field manager owns a field that would be set",
    "webhook_conflict": "two injection webhooks would answer for the same pods",
    "missing_dependency": "something that this operation stands on is not there yet",
    "in_use": "what should be removed is still used",
    "disruption_budget": "a PodDisruptionBudget never allows what a restart takes down at once",
    "not_ready": "objects were applied, but did not become ready in time",
    "conflict": "the object was changed by somebody else meanwhile",
    "immutable": "a field would change that can only be set when the object is made",
    "locked": "another run is at work on the same set",
    "webhook_unavailable": "a webhook that must agree to the change cannot be called",
    "api_error": "the API server refused a request",
    "cancelled": "the run was stopped by a signal",
}


class MeshError(Exception):
    """A failure with everything a person needs: what, where, and what to do.

    ``where`` names the place (option path, object, host, cluster), ``hint`` the remedy. ``applied`` and ``pending``
    list objects as ``Kind namespace/name`` when a run stopped half-way.
    """

    def __init__(
        self,
        code: str,
        msg: str,
        *,
        where: str = "",
        hint: str = "",
        applied: Sequence[str] = (),
        pending: Sequence[str] = (),
    ) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.where = where
        self.hint = hint
        self.applied = list(applied)
        self.pending = list(pending)
        #: What there was to say before; it may be the cause.
        self.warnings: list[str] = []

    def __str__(self) -> str:
        line = f"{self.where}: {self.msg}" if self.where else self.msg
        return f"{line} ({self.hint})" if self.hint else line

    def at(self, place: str) -> MeshError:
        """The same error seen from further out: ``place`` (a cluster, a set) is put before ``where``."""
        self.where = f"{place}: {self.where}" if self.where else place
        return self

    def without(self, hide: Callable[[str], str]) -> MeshError:
        """The same error with secrets taken out of what people read."""
        self.msg, self.where, self.hint = hide(self.msg), hide(self.where), hide(self.hint)
        self.warnings = [hide(text) for text in self.warnings]
        return self

    def as_dict(self) -> dict[str, object]:
        """``{code, msg, hint, where, applied, pending}``, as results carry it."""
        return {
            "code": self.code,
            "msg": self.msg,
            "hint": self.hint,
            "where": self.where,
            "applied": self.applied,
            "pending": self.pending,
        }
