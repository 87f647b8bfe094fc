# SPDX-License-Identifier: Apache-2.0
"""Service accounts that may do what `rbac` derives from declarations, and no more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from mesh.kube.cluster import Cluster
from mesh.model.objects import Object

from tests.grants import Grants

NAMESPACE = "meshops-automation"


class Account(Grants):
    """A service account, made by an admin's connection."""

    def __init__(self, admin: Cluster, name: str) -> None:
        super().__init__(admin, {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE})
        self.name = name
        self._granted: set[str] = set()
        for obj in ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, self._object()):
            admin.apply(obj, "admin", force=True)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{name}/token"
        self.token = str(admin.post(path, {**request, "spec": {"expirationSeconds": 14400}})["status"]["token"])

    def _object(self) -> Object:
        metadata = {"name": self.name, "namespace": NAMESPACE}
        return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}

    def grant_for(self, name: str, data: Mapping[str, Any], state: str) -> None:
        """What one declaration needs. Each has roles of its own, once; adoption is derived from what is there now."""
        told = json.dumps([name, data], sort_keys=True)
        if told not in self._granted or data.get("adopt"):
            self._granted.add(told)
            self.admin.forget_kinds()
            digest = hashlib.sha256(told.encode()).hexdigest()[:12]
            self.grant(self.derived([{name: {**data, "state": state}}], f"{self.name}-{digest}"))

    def forget(self, objects: Iterable[Object]) -> None:
        """Take roles and bindings away, and the account; namespaces stay."""
        for obj in (*objects, self._object()):
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
