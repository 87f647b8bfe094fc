# SPDX-License-Identifier: Apache-2.0
"""What `rbac` derives from declarations, given to somebody: tests and benchmarks run under it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from mesh.apply.engine import run
from mesh.apply.permissions import attributes
from mesh.kube.cluster import Cluster
from mesh.model.objects import CREATED_BY, Object, annotations_of
from mesh.model.options import Mode, RunOptions
from mesh.model.permissions import Permission, of_rules
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

_REVIEW = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#: Seconds until the API server's authorizer, which learns of roles by watch, must have done so.
_LONGEST = 20.0


class Grants:
    """What an admin's connection gives to a user or a service account (``subject`` as `rbac` takes it)."""

    def __init__(self, admin: Cluster, subject: Mapping[str, str]) -> None:
        self.admin, self.subject = admin, dict(subject)

    def derived(self, declarations: list[dict[str, Any]], roles: str, **options: Any) -> list[Object]:
        """The objects by which it may run declarations."""
        operation = OPERATIONS["rbac"]
        data = {"declarations": declarations, "name": roles, "subject": self.subject, **options}
        spec = parse(operation.spec, data)
        report = run(operation, spec, self.admin, RunOptions(), Mode(), lambda _line: None)
        return list(report.result["objects"])

    def grant(self, objects: Iterable[Object]) -> None:
        """As an admin applies what `rbac` printed, and until it holds."""
        shown: list[Permission] = []
        for obj in objects:
            if obj["kind"] == "Namespace":
                self._give(obj["metadata"]["name"])
            self.admin.apply(obj, "admin", force=True)
            shown += sorted(of_rules(obj.get("rules", ()), obj["metadata"].get("namespace", "")))[:1]
        self.await_effect(shown)

    def _give(self, namespace: str) -> None:
        """A namespace that a run made, such as the demo's, is the admin's from now on: nobody takes it away."""
        found = self.admin.get("v1", "Namespace", "", namespace)
        if found and CREATED_BY in annotations_of(found):
            patch = {"metadata": {"annotations": {CREATED_BY: None}}}
            path = f"/api/v1/namespaces/{namespace}"
            body = json.dumps(patch).encode()
            self.admin.transport.raw("PATCH", path, body=body, content_type="application/merge-patch+json")

    def await_effect(self, permissions: Iterable[Permission], *, allowed: bool = True) -> None:
        """Until the authorizer answers so."""
        deadline = time.monotonic() + _LONGEST
        for item in permissions:
            while self._may(item) != allowed:
                assert time.monotonic() < deadline, f"{item} is {'not ' if allowed else ''}allowed"
                time.sleep(0.02)

    def _may(self, item: Permission) -> bool:
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        spec = {**attributes(item), **self._identity()}
        return bool(self.admin.post(_REVIEW, {**review, "spec": spec})["status"]["allowed"])

    def _identity(self) -> dict[str, Any]:
        """The user and the groups as whom the API server knows it."""
        name, namespace = self.subject["name"], self.subject.get("namespace")
        if self.subject["kind"] == "User":
            return {"user": name, "groups": ["system:authenticated"]}
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
        return {"user": f"system:serviceaccount:{namespace}:{name}", "groups": groups}
