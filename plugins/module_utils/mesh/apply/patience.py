# SPDX-License-Identifier: Apache-2.0
"""Refusals that pass by themselves, because what stands in the way is of this run or of this mesh."""

from __future__ import annotations

import re
import time
from collections.abc import Collection

from ..kube.cluster import Cluster
from ..kube.failures import ApiFailure
from ..model.objects import Object, Ref, ref
from ..plan.owners import PART_OF
from .waiting import Deadline

#: Seconds until every API server knows a namespace or a kind that was made a moment ago.
_SETTLING = 10.0
_WEBHOOK = re.compile(r'failed calling webhook "([^"]+)"')
_WEBHOOK_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


class Patience:
    """Applies objects and tries again where waiting helps; ``made`` are the objects that this run makes."""

    def __init__(self, cluster: Cluster, made: Collection[Ref], deadline: Deadline) -> None:
        self._cluster, self._deadline = cluster, deadline
        self._namespaces = {key.name for key in made if key.kind == "Namespace"}
        self._groups = {key.name.partition(".")[2] for key in made if key.kind == "CustomResourceDefinition"}

    def apply(self, obj: Object, manager: str, *, force: bool) -> Object:
        """Server-side apply; raises ApiFailure when waiting does not help, or for too long."""
        started, pause = time.monotonic(), 0.2
        while True:
            try:
                return self._cluster.apply(obj, manager, force=force)
            except ApiFailure as error:
                left = self._worth_waiting(error, ref(obj)) - (time.monotonic() - started)
                if left <= 0 or not self._deadline.left:
                    raise self._explained(error, ref(obj)) from None
            self._cluster.transport.pause(min(pause, left, self._deadline.left or 0.01))
            pause = min(pause * 2, 2.0)

    def _worth_waiting(self, error: ApiFailure, key: Ref) -> float:
        """Seconds for which trying again makes sense, from the first try."""
        if error.status == 404 and (key.namespace in self._namespaces or key.group in self._groups):
            return _SETTLING
        if error.code == "webhook_unavailable" and self._is_ours(error):
            return self._deadline.seconds
        return 0.0

    def _is_ours(self, error: ApiFailure) -> bool:
        """Whether the webhook that does not answer is one of our sets: then its pods are just starting."""
        found = _WEBHOOK.search(error.msg)
        if found is None:
            return False
        api_version = "admissionregistration.k8s.io/v1"
        ours = [obj for kind in _WEBHOOK_KINDS for obj in self._cluster.list(api_version, kind, "", PART_OF)]
        return any(webhook["name"] == found[1] for obj in ours for webhook in obj.get("webhooks") or ())

    def _explained(self, error: ApiFailure, key: Ref) -> ApiFailure:
        """A namespace that is being deleted says itself what it still waits for."""
        if "because it is being terminated" in error.msg:
            namespace = self._cluster.get("v1", "Namespace", "", key.namespace) or {}
            conditions = namespace.get("status", {}).get("conditions") or ()
            left = [condition["message"] for condition in conditions if condition["status"] == "True"]
            error.msg = f"namespace {key.namespace} is being deleted: {'; '.join(left) or 'it waits for its contents'}"
        return error
