# SPDX-License-Identifier: Apache-2.0
"""Admission policies that refuse objects of a test's namespace, and waiting for what comes about by itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from mesh.kube.cluster import Cluster
from mesh.model.errors import MeshError
from mesh.model.objects import Ref

_GROUP = "admissionregistration.k8s.io"
_POLICY, _BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"


@contextlib.contextmanager
def denied(cluster: Cluster, namespace: str, expression: str, example: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """ConfigMaps for which the expression does not hold, such as the example, are refused; yields what ends it."""
    api_version = f"{_GROUP}/v1"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "resourceRules": [rule],
        },
        "validations": [{"expression": f"object == null || {expression}", "message": "not \x1b[31mthis"}],
    }
    bound = {"policyName": namespace, "validationActions": ["Deny"]}
    for kind, content in ((_POLICY, spec), (_BINDING, bound)):
        obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": namespace}, "spec": content}
        cluster.apply(obj, "them")
    probe = {**example, "metadata": {**example["metadata"], "namespace": namespace}}
    until(lambda: _refused(cluster, probe))

    def lift() -> None:
        for kind in (_BINDING, _POLICY):
            cluster.delete(Ref(_GROUP, kind, "", namespace))
        until(lambda: not _refused(cluster, probe))

    yield lift
    lift()


def _refused(cluster: Cluster, obj: dict[str, Any]) -> bool:
    try:
        cluster.dry_run_create(obj)
    except MeshError:
        return True
    return False


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait; fails the test when it takes too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)
