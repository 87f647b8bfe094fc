# SPDX-License-Identifier: Apache-2.0
"""Service accounts that may do what `rbac` derives from declarations, and no more."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from mesh.apply.engine import run
from mesh.apply.permissions import attributes
from mesh.kube.cluster import Cluster
from mesh.model.objects import CREATED_BY, Object, annotations_of
from mesh.model.options import Mode, RunOptions
from mesh.model.permissions import Permission, of_rules
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS

NAMESPACE = "meshops-automation"
_REVIEW = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#: Seconds until the API server's authorizer, which learns of roles by watch, must have done so.
_LONGEST = 20.0


class Account:
    """A service account, made by an admin's connection."""

    def __init__(self, admin: Cluster, name: str) -> None:
        self.admin, self.name = admin, name
        self._granted: set[str] = set()
        for obj in (
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}},
        ):
            admin.apply(obj, "admin", force=True)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{name}/token"
        self.token = str(admin.post(path, {**request, "spec": {"expirationSeconds": 14400}})["status"]["token"])

    @property
    def subject(self) -> dict[str, str]:
        """As `rbac` takes it."""
        return {"kind": "ServiceAccount", "name": self.name, "namespace": NAMESPACE}

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

    def grant_for(self, name: str, data: Mapping[str, Any], state: str) -> None:
        """What one declaration needs. Each has roles of its own, once; adoption is derived from what is there now."""
        told = json.dumps([name, data], sort_keys=True)
        if told not in self._granted or data.get("adopt"):
            self._granted.add(told)
            self.admin.forget_kinds()
            digest = hashlib.sha256(told.encode()).hexdigest()[:12]
            self.grant(self.derived([{name: {**data, "state": state}}], f"{self.name}-{digest}"))

    def await_effect(self, permissions: Iterable[Permission], *, allowed: bool = True) -> None:
        """Until the authorizer answers so."""
        deadline = time.monotonic() + _LONGEST
        for item in permissions:
            while self._may(item) != allowed:
                assert time.monotonic() < deadline, f"{item} is {'not ' if allowed else ''}allowed"
                time.sleep(0.02)

    def _may(self, item: Permission) -> bool:
        user = f"system:serviceaccount:{NAMESPACE}:{self.name}"
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}", "system:authenticated"]
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        spec = {**attributes(item), "user": user, "groups": groups}
        return bool(self.admin.post(_REVIEW, {**review, "spec": spec})["status"]["allowed"])

    def forget(self, objects: Iterable[Object]) -> None:
        """Take roles and bindings away, and the account; namespaces stay."""
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
        }
        for obj in (*objects, account):
            if obj["kind"] != "Namespace":
                metadata = obj["metadata"]
                path = self.admin.resource_of(obj).path(metadata.get("namespace", ""), metadata["name"])
                self.admin.transport.raw("DELETE", path)


def with_tokens(admins: Path, accounts: Mapping[str, Account]) -> dict[str, Any]:
    """The admins' kubeconfig with the accounts' tokens; ``accounts`` by the name of the context."""
    config: dict[str, Any] = yaml.safe_load(admins.read_text())
    contexts = [item for item in config["contexts"] if item["name"] in accounts]
    for item in contexts:
        item["context"]["user"] = item["name"]
    users = [{"name": name, "user": {"token": account.token}} for name, account in accounts.items()]
    return {**config, "contexts": contexts, "users": users, "current-context": ""}
